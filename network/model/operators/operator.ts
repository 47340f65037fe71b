import { NetworkError } from '../../errors.ts';
import { type Attribute, type Node, nodeTitle, type Tensor } from '../graph.ts';
import { RunMeter } from './run-meter.ts';

/** Checks one ONNX operator and computes it in the clear. */
export type Operator = {
  /** Supported attributes; any other is refused. */
  readonly attributes: readonly string[];
  /** Smallest and largest number of inputs. */
  readonly arity: readonly [min: number, max: number];
  /** Outputs in the node's order; outputs not requested may be omitted. */
  readonly run: (call: Call) => Tensor[];
};

/** One application of an operator: its node, its inputs, and its attributes by kind. */
export class Call {
  readonly node: Node;
  readonly opset: number;
  readonly #inputs: readonly (Tensor | undefined)[];
  readonly #meter: RunMeter;

  /** @param meter of the run that this is a part of */
  constructor(
    node: Node,
    opset: number,
    inputs: readonly (Tensor | undefined)[],
    meter: RunMeter = new RunMeter(),
  ) {
    this.node = node;
    this.opset = opset;
    this.#inputs = inputs;
    this.#meter = meter;
  }

  /**
   * Memory for an output, before anything is computed.
   *
   * @throws NetworkError NETWORK_TOO_LARGE if the run would take more than it may
   */
  allocate(size: number): Float64Array<ArrayBuffer> {
    if (!this.#meter.takeElements(size))
      this.#tooLarge(`an output of ${size} elements, with all before it, is too large`);
    return new Float64Array(size);
  }

  /** Announces so many products of two numbers. @throws NetworkError NETWORK_TOO_LARGE likewise */
  spend(products: number): void {
    if (!this.#meter.takeProducts(products))
      this.#tooLarge(`${products} products, with all before it, take too long`);
  }

  /** @throws NetworkError NETWORK_OPERATOR if the input was omitted. */
  input(index: number): Tensor {
    const tensor = this.#inputs[index];
    if (tensor === undefined) this.refuse(`input ${index} is missing`);
    return tensor;
  }

  optional(index: number): Tensor | undefined {
    return this.#inputs[index];
  }

  get inputs(): readonly (Tensor | undefined)[] {
    return this.#inputs;
  }

  int(name: string, fallback: number): number {
    return this.#attribute(name, 'int')?.value ?? fallback;
  }

  float(name: string, fallback: number): number {
    return this.#attribute(name, 'float')?.value ?? fallback;
  }

  string(name: string, fallback: string): string {
    return this.#attribute(name, 'string')?.value ?? fallback;
  }

  ints(name: string): readonly number[] | undefined {
    return this.#attribute(name, 'ints')?.value;
  }

  tensor(name: string): Tensor | undefined {
    return this.#attribute(name, 'tensor')?.value;
  }

  /** Integers given as an attribute in old operator sets and as an input in new ones. */
  intsOrInput(name: string, index: number): readonly number[] | undefined {
    const input = this.#inputs[index];
    return input === undefined ? this.ints(name) : [...input.data];
  }

  /** @throws NetworkError NETWORK_OPERATOR, always; the message names the node. */
  refuse(reason: string): never {
    throw new NetworkError('NETWORK_OPERATOR', `${nodeTitle(this.node)}: ${reason}`);
  }

  #tooLarge(reason: string): never {
    throw new NetworkError('NETWORK_TOO_LARGE', `${nodeTitle(this.node)}: ${reason}`);
  }

  #attribute<K extends Attribute['kind']>(
    name: string,
    kind: K,
  ): Extract<Attribute, { kind: K }> | undefined {
    const attribute = this.node.attributes.get(name);
    if (attribute === undefined) return undefined;
    if (attribute.kind !== kind) this.refuse(`attribute '${name}' is ${attribute.kind}, expected ${kind}`);
    return attribute as Extract<Attribute, { kind: K }>;
  }
}

/** An axis, counted from the end if negative, checked against the rank. */
export function resolveAxis(call: Call, axis: number, rank: number): number {
  const resolved = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(axis) || resolved < 0 || resolved >= Math.max(rank, 1)) {
    call.refuse(`axis ${axis} is outside a tensor of ${rank} dimensions`);
  }
  return resolved;
}

/** A float64 working tensor that keeps `like`'s element type. */
export function tensorLike(like: Tensor, shape: readonly number[], data: Float64Array): Tensor {
  return { type: like.type, shape, data };
}
