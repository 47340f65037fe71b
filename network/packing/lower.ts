import { NetworkError } from '../errors.ts';
import { type Graph, type Node, nodeTitle, sizeOf, type Tensor } from '../model/graph.ts';
import { ACTIVATIONS } from '../model/operators/elementwise.ts';
import { Call } from '../model/operators/operator.ts';
import { operatorOf } from '../model/operators/table.ts';
import { inputShape } from '../model/run.ts';
import { addAffine, composeAffine } from '../passes/merge-linear-neighbors.ts';
import { openBatch } from '../passes/open-batch.ts';
import { type Affine, applyAffine } from './affine.ts';
import { LINEAR_RULES } from './linear-map.ts';

/**
 * A network as a chain: stage 0 takes the picture, each later stage the squares of the stage before it, the last stage makes the
 * logits. Everything linear between two squares (convolution, pooling, batch normalization, flattening, dense …) is one stage.
 */
export type StagedNetwork = {
  readonly name: string;
  /** Shape of the picture without the batch dimension. */
  readonly pictureShape: readonly number[];
  readonly stages: readonly Affine[];
};

/** A value during lowering: a linear map of the input of `stage`; null is the identity. */
type Value = { readonly stage: number; readonly affine: Affine | null; readonly shape: readonly number[] };

/** Runs a staged network in the clear, in float64. */
export function runStages(network: StagedNetwork, picture: ArrayLike<number>): Float64Array {
  let values: ArrayLike<number> = picture;
  let result: Float64Array = new Float64Array();
  network.stages.forEach((stage, i) => {
    if (i > 0) values = result.map((value) => value * value);
    result = applyAffine(stage, values);
  });
  return result;
}

class Lowering {
  readonly stages: Affine[] = [];
  readonly #graph: Graph;
  readonly #constants: Map<string, Tensor>;
  readonly #values = new Map<string, Value>();

  constructor(graph: Graph) {
    this.#graph = graph;
    this.#constants = new Map(graph.initializers);
    this.#values.set(graph.inputs[0]!.name, { stage: 0, affine: null, shape: inputShape(graph) });
  }

  value(name: string): Value {
    const value = this.#values.get(name);
    if (value === undefined)
      throw new NetworkError('NETWORK_SHAPE', `'${name}' does not depend on the picture`);
    return value;
  }

  #call(node: Node, position: number, tensor?: Tensor): Call {
    const inputs = node.inputs.map((name, i) =>
      i === position && tensor ? tensor : this.#constants.get(name),
    );
    return new Call(node, this.#graph.opset, inputs);
  }

  step(node: Node): void {
    const operator = operatorOf(node);
    const variable = node.inputs.flatMap((name, i) => (this.#values.has(name) ? [i] : []));
    if (variable.length === 0) {
      operator.run(this.#call(node, -1)).forEach((tensor, i) => {
        const name = node.outputs[i];
        if (name) this.#constants.set(name, tensor);
      });
      return;
    }
    this.#values.set(node.outputs[0]!, this.#result(node, variable));
  }

  #result(node: Node, variable: readonly number[]): Value {
    if (this.#isSquare(node)) return this.#square(node);
    if (node.operator in ACTIVATIONS || node.operator === 'MaxPool' || node.operator === 'Pow') {
      throw new NetworkError(
        'NETWORK_NOT_POLYNOMIAL',
        `${nodeTitle(node)}: not a polynomial; approximate it first: blindsight model import FILE --calibrate DATA`,
      );
    }
    if (variable.length === 2 && node.operator === 'Add') return this.#sum(node);
    const position = variable[0]!;
    const input = this.value(node.inputs[position]!);
    const rule = LINEAR_RULES.get(node.operator);
    const call: Call = this.#call(node, position);
    if (rule === undefined || variable.length > 1)
      call.refuse('two values that depend on the picture cannot meet here');
    const withData = (data: Float64Array): Call =>
      this.#call(node, position, { type: 'float32', shape: input.shape, data });
    const { affine, shape } = rule(call, { position, shape: input.shape, withData });
    return {
      stage: input.stage,
      shape,
      affine: input.affine === null ? affine : composeAffine(affine, input.affine),
    };
  }

  #isSquare(node: Node): boolean {
    if (node.operator === 'Mul') return node.inputs[0] === node.inputs[1];
    return (
      node.operator === 'Pow' &&
      this.#constants.get(node.inputs[1]!)?.data.every((power) => power === 2) === true
    );
  }

  #square(node: Node): Value {
    const input = this.value(node.inputs[0]!);
    const call: Call = this.#call(node, 0);
    if (input.affine === null) {
      call.refuse('the picture itself, or a square, is squared; put a linear layer before it');
    }
    if (input.stage !== this.stages.length)
      call.refuse('branches that square separately are not supported yet');
    this.stages.push(input.affine);
    return { stage: this.stages.length, affine: null, shape: input.shape };
  }

  #sum(node: Node): Value {
    const [left, right] = node.inputs.map((name) => this.value(name)) as [Value, Value];
    const call: Call = this.#call(node, 0);
    if (left.stage !== right.stage || left.affine === null || right.affine === null) {
      call.refuse('a shortcut over an activation is not supported yet');
    }
    if (left.shape.join() !== right.shape.join()) call.refuse('the summands differ in shape');
    return { ...left, affine: addAffine(left.affine, right.affine) };
  }
}

/** Operators that may end a network: the decryptor applies them to the logits. */
const ENDINGS = new Set(['Softmax', 'ArgMax']);

/**
 * Lowers a graph with one picture and one output to a chain of linear stages with squares between them.
 *
 * @throws NetworkError NETWORK_NOT_POLYNOMIAL for activations that are not squares; NETWORK_OPERATOR for what is not linear;
 * NETWORK_SHAPE.
 */
export function lowerGraph(given: Graph): StagedNetwork {
  const graph = openBatch(given);
  const shape = inputShape(graph);
  const output = graph.outputs[0]?.name;
  if (output === undefined) throw new NetworkError('NETWORK_SHAPE', 'the network has no output');
  const lowering = new Lowering(graph);
  let logits = output;
  for (const node of graph.nodes) {
    if (ENDINGS.has(node.operator) && node.outputs[0] === output) {
      logits = node.inputs[0]!;
      continue;
    }
    lowering.step(node);
  }
  const last = lowering.value(logits);
  if (last.affine === null || last.stage !== lowering.stages.length) {
    throw new NetworkError(
      'NETWORK_SHAPE',
      `the network must end in a linear layer; '${logits}' is a square or the picture`,
    );
  }
  const stages = [...lowering.stages, last.affine];
  stages.forEach((stage, i) => {
    if (stage.weight.some((w) => !Number.isFinite(w)) || stage.bias.some((b) => !Number.isFinite(b))) {
      throw new NetworkError(
        'NETWORK_DATA',
        `linear stage ${i + 1} has a weight that is not a finite number`,
      );
    }
  });
  if (sizeOf(last.shape) < 2)
    throw new NetworkError('NETWORK_SHAPE', 'the network must have at least two outputs');
  return { name: graph.name, pictureShape: shape.slice(1), stages };
}
