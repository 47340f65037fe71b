import type { Workspace } from '#network/model/kernel/workspace.ts';
import { broadcastIndex } from '../../model/operators/broadcast.ts';
import { inputOf, type NodeRule, type NodeStep, type TrainedValue } from './node-step.ts';

type Product = {
  readonly a: TrainedValue;
  readonly b: TrainedValue;
  /** Whether B is stored as columns × depth. */
  readonly transposed: boolean;
  readonly rows: number;
  readonly depth: number;
  readonly columns: number;
};

/** C = A (rows × depth) · B (depth × columns), and its gradient. */
function product(
  workspace: Workspace,
  { a, b, transposed, rows, depth, columns }: Product,
  c: { readonly values: Float32Array; readonly gradients: Float32Array },
): NodeStep {
  return {
    forward: () => {
      if (transposed) workspace.multiplyRightTransposed(c.values, a.values, b.values, rows, depth, columns);
      else workspace.multiply(c.values, a.values, b.values, rows, depth, columns);
    },
    backward: () => {
      if (a.gradients !== undefined) {
        if (transposed) workspace.multiply(a.gradients, c.gradients, b.values, rows, columns, depth, true);
        else
          workspace.multiplyRightTransposed(a.gradients, c.gradients, b.values, rows, columns, depth, true);
      }
      if (b.gradients === undefined) return;
      if (transposed) {
        workspace.multiplyLeftTransposed(b.gradients, c.gradients, a.values, columns, rows, depth, true);
      } else workspace.multiplyLeftTransposed(b.gradients, a.values, c.gradients, depth, rows, columns, true);
    },
  };
}

/** MatMul of a batch of rows with one matrix. */
export const matMulStep: NodeRule = (site) => {
  const [a, b] = [inputOf(site, 0), inputOf(site, 1)];
  if (b.shape.length !== 2) site.call.refuse('only products with one matrix of weights are trained');
  const [depth, columns] = b.shape as [number, number];
  const rows = a.values.length / depth;
  return product(site.workspace, { a, b, transposed: false, rows, depth, columns }, site.output);
};

/** Gemm without transposed pictures; alpha and beta as given. */
export const gemmStep: NodeRule = (site) => {
  const { call, workspace, output } = site;
  if (call.int('transA', 0) !== 0) call.refuse('a transposed picture is not trained');
  const [a, b, summand] = [inputOf(site, 0), inputOf(site, 1), site.inputs[2]];
  const [alpha, beta] = [call.float('alpha', 1), call.float('beta', 1)];
  const [rows, columns] = output.shape as [number, number];
  const depth = a.shape[1]!;
  const size = rows * columns;
  const scaled = { values: workspace.allocate(size), gradients: workspace.allocate(size) };
  const index = summand && broadcastIndex(call, summand.shape, output.shape);
  const transposed = call.int('transB', 0) !== 0;
  const plain = product(workspace, { a, b, transposed, rows, depth, columns }, scaled);
  return {
    forward: () => {
      plain.forward();
      for (let i = 0; i < size; i++) {
        output.values[i] = alpha * scaled.values[i]! + (index ? beta * summand.values[index[i]!]! : 0);
      }
    },
    backward: () => {
      for (let i = 0; i < size; i++) scaled.gradients[i] = alpha * output.gradients[i]!;
      plain.backward();
      if (index === undefined || summand?.gradients === undefined) return;
      for (let i = 0; i < size; i++) summand.gradients[index[i]!]! += beta * output.gradients[i]!;
    },
  };
};
