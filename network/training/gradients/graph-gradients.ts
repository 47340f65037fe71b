import type { Graph, Tensor } from '../../model/graph.ts';
import { Call } from '../../model/operators/operator.ts';
import { evaluateGraph } from '../../model/run.ts';
import { arithmeticGradients, movedGradient } from './elementwise-gradients.ts';
import type { NodeGradient } from './gradient.ts';
import {
  averagePoolGradient,
  batchNormalizationGradient,
  convolutionGradient,
  gemmGradient,
  globalAveragePoolGradient,
  matMulGradient,
} from './linear-gradients.ts';

/** Operators whose gradient is known: those of a network that can be encrypted. */
const GRADIENTS: ReadonlyMap<string, NodeGradient> = new Map<string, NodeGradient>([
  ['Conv', convolutionGradient],
  ['MatMul', matMulGradient],
  ['Gemm', gemmGradient],
  ['AveragePool', averagePoolGradient],
  ['GlobalAveragePool', globalAveragePoolGradient],
  ['BatchNormalization', batchNormalizationGradient],
  ...Object.entries(arithmeticGradients),
  ...['Reshape', 'Flatten', 'Squeeze', 'Unsqueeze', 'Identity', 'Dropout', 'Transpose', 'Slice', 'Pad'].map(
    (name): [string, NodeGradient] => [name, movedGradient],
  ),
]);

/** Names of the initializers that training may change: numbers that a trained operator uses. */
export function trainableNames(graph: Graph): string[] {
  const names = new Set<string>();
  for (const node of graph.nodes) {
    if (!['Conv', 'MatMul', 'Gemm', 'Add', 'Sub', 'Mul', 'Div'].includes(node.operator)) continue;
    for (const name of node.inputs) if (graph.initializers.get(name)?.type === 'float32') names.add(name);
  }
  return [...names];
}

/** Result of one forward and backward pass. */
export type GraphPass = { readonly logits: Tensor; readonly gradients: ReadonlyMap<string, Float64Array> };

/**
 * Runs a graph on a batch and the loss back through it.
 *
 * @param lossGradient the gradient of the loss by the logits, from the logits.
 * @returns the gradients of the trainable initializers by name.
 * @throws NetworkError NETWORK_OPERATOR for a node whose gradient is not known.
 */
export function differentiateGraph(
  graph: Graph,
  pictures: Tensor,
  lossGradient: (logits: Tensor) => Float64Array,
): GraphPass {
  const values = evaluateGraph(graph, new Map([[graph.inputs[0]!.name, pictures]]));
  const output = graph.outputs[0]!.name;
  const logits = values.get(output)!;
  const trainable = new Set(trainableNames(graph));
  const needed = new Set(trainable);
  for (const node of graph.nodes) {
    if (node.inputs.some((name) => needed.has(name))) needed.add(node.outputs[0]!);
  }
  const gradients = new Map<string, Float64Array>([[output, lossGradient(logits)]]);
  for (const node of [...graph.nodes].reverse()) {
    const gradient = gradients.get(node.outputs[0]!);
    if (gradient === undefined || !node.inputs.some((name) => needed.has(name))) continue;
    const call: Call = new Call(
      node,
      graph.opset,
      node.inputs.map((name) => values.get(name)),
    );
    const rule = GRADIENTS.get(node.operator);
    if (rule === undefined) call.refuse('cannot be trained; approximate activations before fine-tuning');
    const wanted = node.inputs.map((name) => needed.has(name));
    const found = rule(call, values.get(node.outputs[0]!)!, gradient, wanted);
    node.inputs.forEach((name, i) => {
      const part = found[i];
      if (!wanted[i] || part === undefined) return;
      const sum = gradients.get(name);
      if (sum === undefined) gradients.set(name, part);
      else for (let k = 0; k < sum.length; k++) sum[k]! += part[k]!;
    });
    if (!trainable.has(node.outputs[0]!)) gradients.delete(node.outputs[0]!);
  }
  return { logits, gradients: new Map([...gradients].filter(([name]) => trainable.has(name))) };
}
