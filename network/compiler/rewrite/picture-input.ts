import { NetworkError } from '#network/errors.ts';
import type { Attribute, Graph, Node, Tensor } from '#network/model/graph.ts';
import { openBatch } from '#network/model/run/open-batch.ts';
import type { PictureFormat } from '#vision/picture-format.ts';

/** How the owner fed the network: x = (byte / divide − mean[c]) / deviation[c]. */
export type PixelScaling = {
  /** Default 255. */
  readonly divide?: number;
  /** One number for all channels or one for each; default 0. */
  readonly mean?: readonly number[];
  /** One number for all channels or one for each; default 1. */
  readonly deviation?: readonly number[];
};

function perChannel(
  name: string,
  given: readonly number[] | undefined,
  fallback: number,
  channels: number,
): number[] {
  const values = given ?? [fallback];
  if ((values.length !== 1 && values.length !== channels) || !values.every(Number.isFinite)) {
    throw new NetworkError(
      'NETWORK_DATA',
      `${name} ${values.join(', ')}: expected one number, or ${channels} for the channels of the pictures`,
    );
  }
  return Array.from({ length: channels }, (_, c) => values[c] ?? values[0]!);
}

function tensor(shape: readonly number[], data: readonly number[]): Tensor {
  return { type: 'float32', shape, data: Float64Array.from(data) };
}

/** Nodes from a camera's picture to the shape that the network declares. */
function arrangement(
  declared: readonly number[],
  picture: PictureFormat,
): 'as-is' | 'channels-last' | 'flat' | null {
  const { channels, height, width } = picture;
  const is = (...shape: number[]): boolean =>
    declared.length === shape.length && shape.every((extent, i) => extent === declared[i]);
  if (is(channels, height, width)) return 'as-is';
  if (is(height, width, channels)) return 'channels-last';
  if (is(channels * height * width) || (channels === 1 && is(height, width))) return 'flat';
  return null;
}

/**
 * Gives a network the input that a gateway provides: values byte / 255, channel first. The owner's preprocessing (division, subtracting
 * a mean, channels last) becomes nodes at the head of the graph; they are linear, so the compiler folds them into the first layer's
 * encrypted weights at no cost.
 *
 * @throws NetworkError NETWORK_SHAPE if the network takes pictures of another size; NETWORK_DATA for a wrong scaling.
 */
export function adaptPictureInput(given: Graph, picture: PictureFormat, scaling: PixelScaling = {}): Graph {
  const graph = openBatch(given);
  const input = graph.inputs[0];
  const declared = input?.shape?.slice(1);
  if (graph.inputs.length !== 1 || input === undefined || declared === undefined) {
    throw new NetworkError('NETWORK_SHAPE', 'the network must take one picture of a fixed size');
  }
  const { channels, height, width } = picture;
  const order = arrangement(declared, picture);
  if (order === null) {
    throw new NetworkError(
      'NETWORK_SHAPE',
      `the network takes ${declared.join('×')}, the pictures are ${channels}×${height}×${width}; give pictures of that size, or add a border with --pad`,
    );
  }
  const { divide = 255 } = scaling;
  if (!(divide > 0) || !Number.isFinite(divide)) {
    throw new NetworkError('NETWORK_DATA', `divide by ${divide}: expected a positive number`);
  }
  const mean = perChannel('mean', scaling.mean, 0, channels);
  const deviation = perChannel('std', scaling.deviation, 1, channels);
  if (deviation.some((value) => value <= 0)) {
    throw new NetworkError('NETWORK_DATA', `std ${deviation.join(', ')}: expected positive numbers`);
  }
  const factors = deviation.map((value) => 255 / divide / value);
  const offsets = deviation.map((value, c) => -mean[c]! / value);
  const initializers = new Map(graph.initializers);
  const nodes: Node[] = [];
  let value = 'blindsight:picture';
  const emit = (operator: string, constant: Tensor | null, attributes: [string, Attribute][] = []): void => {
    const name = `blindsight:${operator.toLowerCase()}`;
    if (constant !== null) initializers.set(`${name}:constant`, constant);
    const inputs = constant === null ? [value] : [value, `${name}:constant`];
    value = `${name}:out`;
    nodes.push({ name, operator, inputs, outputs: [value], attributes: new Map(attributes) });
  };
  if (factors.some((factor) => factor !== 1)) emit('Mul', tensor([1, channels, 1, 1], factors));
  if (offsets.some((offset) => offset !== 0)) emit('Add', tensor([1, channels, 1, 1], offsets));
  if (order === 'channels-last') emit('Transpose', null, [['perm', { kind: 'ints', value: [0, 2, 3, 1] }]]);
  if (order === 'flat') {
    emit('Reshape', { ...tensor([declared.length + 1], [0, ...declared]), type: 'int64' });
  }
  if (nodes.length === 0) return graph;
  const last = nodes.at(-1)!;
  nodes[nodes.length - 1] = { ...last, outputs: [input.name] };
  return {
    ...graph,
    initializers,
    inputs: [{ name: 'blindsight:picture', type: input.type, shape: [-1, channels, height, width] }],
    nodes: [...nodes, ...graph.nodes],
  };
}
