import { NetworkError } from '#network/errors.ts';
import { type Graph, type Node, nodeTitle, sizeOf, type Tensor } from '#network/model/graph.ts';
import { ACTIVATIONS } from '#network/model/operators/elementwise.ts';
import { Call } from '#network/model/operators/operator.ts';
import { operatorOf } from '#network/model/operators/table.ts';
import { openBatch } from '#network/model/run/open-batch.ts';
import { inputShape } from '#network/model/run/run.ts';
import { addValues, applyToValue, identityAffine, type LinearValue } from '../linear/compose.ts';
import { LINEAR_RULES } from '../linear/linear-map.ts';
import { absorbQuadratics } from '../rewrite/absorb-quadratics.ts';
import { dropEnding } from '../rewrite/drop-ending.ts';
import { concatValues } from './concat-values.ts';
import { poolValue } from './pool-value.ts';
import { registerDepths } from './register-depths.ts';
import type { Step, StepNetwork } from './steps.ts';

/** Largest power that `Pow` may raise to. */
const MOST_POWER = 64;

class StepLowering {
  readonly steps: Step[] = [];
  readonly #graph: Graph;
  readonly #constants: Map<string, Tensor>;
  readonly #values = new Map<string, LinearValue>();
  /** Names multiplied by a value that depends on the picture: these become registers as soon as they are known. */
  readonly #factors = new Set<string>();
  /** Names whose values become registers where they are sums of several. */
  readonly #forks: ReadonlySet<string>;

  readonly #keepsSums: boolean;
  /** Whether there was a sum to keep. */
  hasForkedSum = false;

  constructor(graph: Graph, keepsSums: boolean) {
    this.#graph = graph;
    this.#forks = forksOf(graph);
    this.#keepsSums = keepsSums;
    this.#constants = new Map(graph.initializers);
    this.#values.set(graph.inputs[0]!.name, {
      parts: new Map([[0, null]]),
      constant: null,
      shape: inputShape(graph),
    });
    this.#findFactors();
  }

  #findFactors(): void {
    const variable = new Set([this.#graph.inputs[0]!.name]);
    for (const { operator, inputs, outputs } of this.#graph.nodes) {
      const used = inputs.filter((name) => variable.has(name));
      if (used.length === 0) continue;
      for (const name of outputs) variable.add(name);
      if ((operator === 'Mul' && used.length === 2) || operator === 'Pow')
        for (const name of used) this.#factors.add(name);
    }
  }

  value(name: string): LinearValue {
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
    const name = node.outputs[0]!;
    const value = this.#result(node, variable);
    const isFactor = this.#factors.has(name);
    const isForkedSum = !isFactor && this.#forks.has(name) && value.parts.size > 1;
    this.hasForkedSum ||= isForkedSum;
    this.#values.set(name, isFactor || (isForkedSum && this.#keepsSums) ? this.#settle(value) : value);
  }

  #result(node: Node, variable: readonly number[]): LinearValue {
    if (node.operator === 'Concat') {
      const values = node.inputs.map((name, i) => (variable.includes(i) ? this.value(name) : null));
      return concatValues(this.#call(node, -1), values);
    }
    if (variable.length === 2) {
      const [left, right] = node.inputs.map((name) => this.value(name)) as [LinearValue, LinearValue];
      if (!['Add', 'Sub', 'Mul'].includes(node.operator))
        this.#call(node, 0).refuse('two values that depend on the picture cannot meet here');
      if (left.shape.join() !== right.shape.join())
        this.#call(node, 0).refuse(`the operands differ in shape: ${left.shape} and ${right.shape}`);
      if (node.operator === 'Mul') return this.#product(left, right);
      return addValues(left, right, node.operator === 'Add' ? 1 : -1, sizeOf(left.shape));
    }
    if (node.operator === 'Pow' && variable[0] === 0) return this.#power(node);
    if (node.operator in ACTIVATIONS || node.operator === 'MaxPool') {
      throw new NetworkError(
        'NETWORK_NOT_POLYNOMIAL',
        `${nodeTitle(node)}: not a polynomial; approximate it first: \`blindsight model import FILE --calibrate DATA\``,
      );
    }
    const position = variable[0]!;
    const input = this.value(node.inputs[position]!);
    const call: Call = this.#call(node, position);
    const pooled = poolValue(call, input);
    if (pooled !== null) {
      this.steps.push(pooled.step);
      return pooled.after(this.steps.length);
    }
    const rule = LINEAR_RULES.get(node.operator);
    if (rule === undefined || variable.length > 1)
      call.refuse('values that depend on the picture cannot meet here');
    const withData = (data: Float64Array): Call =>
      this.#call(node, position, { type: 'float32', shape: input.shape, data });
    const { affine, shape } = rule(call, { position, shape: input.shape, withData });
    return applyToValue(affine, input, shape);
  }

  #power(node: Node): LinearValue {
    const base = this.value(node.inputs[0]!);
    const exponent = this.#constants.get(node.inputs[1]!)?.data[0] ?? 0;
    const same = this.#constants.get(node.inputs[1]!)?.data.every((power) => power === exponent);
    if (!same || !Number.isInteger(exponent) || exponent < 1 || exponent > MOST_POWER) {
      throw new NetworkError(
        'NETWORK_NOT_POLYNOMIAL',
        `${nodeTitle(node)}: the exponent must be one whole number from 1 to ${MOST_POWER}`,
      );
    }
    // Halving keeps the depth at log2 of the exponent.
    const raise = (power: number): LinearValue => {
      if (power === 1) return base;
      const half = raise(Math.floor(power / 2));
      return this.#product(half, power % 2 === 0 ? half : raise(Math.ceil(power / 2)));
    };
    return raise(exponent);
  }

  #product(left: LinearValue, right: LinearValue): LinearValue {
    const a = this.#register(left);
    const b = left === right ? a : this.#register(right);
    this.steps.push({ kind: 'product', left: a, right: b });
    return { parts: new Map([[this.steps.length, null]]), constant: null, shape: left.shape };
  }

  /** The register that holds a value; adds a linear step if there is none. */
  #register(value: LinearValue): number {
    const [only] = value.parts;
    if (value.parts.size === 1 && only![1] === null && value.constant === null && only![0] !== 0)
      return only![0];
    const size = sizeOf(value.shape);
    const terms = [...value.parts].map(([source, part]) => ({
      source,
      affine: part ?? identityAffine(size),
    }));
    const bias = value.constant ?? new Float64Array(size);
    this.steps.push({ kind: 'linear', terms, bias, shape: value.shape.slice(1) });
    return this.steps.length;
  }

  #settle(value: LinearValue): LinearValue {
    return { parts: new Map([[this.#register(value), null]]), constant: null, shape: value.shape };
  }

  /** Makes the logits the last step. */
  finish(name: string): void {
    const value = this.value(name);
    const before = this.steps.length;
    const register = this.#register(value);
    if (register === before + 1) return;
    // The logits are already a register: they may stay so only as the last linear step.
    if (register === before && this.steps[before - 1]!.kind === 'linear') return;
    const size = sizeOf(value.shape);
    const terms = [{ source: register, affine: identityAffine(size) }];
    this.steps.push({ kind: 'linear', terms, bias: new Float64Array(size), shape: value.shape.slice(1) });
  }
}

/** What more than one node reads: of these, sums of several registers may become one of their own. */
function forksOf({ nodes }: Graph): Set<string> {
  const readers = new Map<string, number>();
  for (const name of nodes.flatMap(({ inputs }) => [...new Set(inputs)]))
    readers.set(name, (readers.get(name) ?? 0) + 1);
  return new Set([...readers].filter(([, count]) => count > 1).map(([name]) => name));
}

function lower(graph: Graph, output: string, keepsSums: boolean): StepLowering {
  const lowering = new StepLowering(graph, keepsSums);
  for (const node of graph.nodes) lowering.step(node);
  lowering.finish(output);
  return lowering;
}

/** Entries of all matrices, each as often as its step has levels. */
function workOf(network: StepNetwork): number {
  const depths = registerDepths(network);
  const levels = depths.at(-1)!;
  return network.steps.reduce((work, step, i) => {
    const entries =
      step.kind === 'linear' ? step.terms.reduce((sum, { affine }) => sum + affine.column.length, 0) : 0;
    return work + entries * (levels - depths[i + 1]! + 1);
  }, 0);
}

/** Whether linear layers read through the sums before them wherever that is possible, or where it is cheaper. */
type Sums = 'cheaper' | 'through';

/**
 * Linear layers read through the sums before them, which takes the fewest levels, or sums that several layers read have a register
 * of their own and a level each: whichever has less to multiply. A ResNet-20 that squares inside of its blocks only, read through, has 22 levels
 * instead of 28 at the same N, but layers as large as all sums before: 20.8 GB instead of 7.7.
 */
function lowerEither(graph: Graph, output: string, sums: Sums): readonly Step[] {
  const kept = () => lower(graph, output, true).steps;
  try {
    const { steps: through, hasForkedSum } = lower(graph, output, false);
    // Most networks have none, and lowering a deep one takes seconds.
    if (sums === 'through' || !hasForkedSum) return through;
    const steps = kept();
    const work = (some: readonly Step[]) =>
      workOf({ name: graph.name, pictureShape: inputShape(graph).slice(1), steps: some });
    return work(steps) < work(through) ? steps : through;
  } catch (error) {
    if (error instanceof NetworkError && error.code === 'NETWORK_TOO_LARGE') return kept();
    throw error;
  }
}

/**
 * Lowers a graph with one picture and one output to linear steps and products. Accepts shortcuts, polynomials of any degree and
 * branches; refuses anything else. Mean pooling becomes a separate step where possible (`mergePools` undoes that).
 *
 * @param sums `through`: the same steps for whatever graph computes the same; refused sums too large to be read through are kept
 * @throws NetworkError NETWORK_NOT_POLYNOMIAL, NETWORK_OPERATOR, NETWORK_SHAPE, NETWORK_DATA; the message names the node.
 */
export function lowerSteps(given: Graph, sums: Sums = 'cheaper'): StepNetwork {
  const graph = absorbQuadratics(dropEnding(openBatch(given)).graph);
  const shape = inputShape(graph);
  const output = graph.outputs[0]?.name;
  if (output === undefined) throw new NetworkError('NETWORK_SHAPE', 'the network has no output');
  const steps = lowerEither(graph, output, sums);
  for (const [i, step] of steps.entries()) {
    const finite =
      step.kind !== 'linear' ||
      (step.bias.every(Number.isFinite) && step.terms.every((t) => t.affine.weight.every(Number.isFinite)));
    if (!finite) {
      throw new NetworkError('NETWORK_DATA', `linear step ${i + 1} has a weight that is not a finite number`);
    }
  }
  const last = steps.at(-1)!;
  if (last.kind !== 'linear' || last.bias.length === 0)
    throw new NetworkError('NETWORK_SHAPE', 'the network must have an output');
  return { name: graph.name, pictureShape: shape.slice(1), steps };
}
