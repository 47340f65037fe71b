import type { Call } from '#network/model/operators/operator.ts';
import type { Affine } from '../linear/affine.ts';
import { identityAffine, type LinearValue } from '../linear/compose.ts';
import type { PoolStep } from './steps.ts';

/** For each channel the number that all its values share; undefined if they differ. */
function perChannel(values: Float64Array, channels: number): Float64Array | undefined {
  const pixels = values.length / channels;
  const first = Float64Array.from({ length: channels }, (_, c) => values[c * pixels]!);
  return values.every((value, i) => value === first[Math.floor(i / pixels)]) ? first : undefined;
}

/** The factor of each channel, if a part does nothing else. */
function channelFactors(part: Affine | null, channels: number, pixels: number): Float64Array | null {
  if (part === null) return new Float64Array(channels).fill(1);
  const size = channels * pixels;
  const diagonal =
    part.rows === size &&
    part.columns === size &&
    part.start.every((at, row) => at === row) &&
    part.column.every((column, row) => column === row);
  return diagonal ? (perChannel(part.weight, channels) ?? null) : null;
}

/** Whether a node takes means over adjacent windows of 2 × 2 or 4 × 4. */
function poolSize(call: Call): number | null {
  const kernel = call.ints('kernel_shape') ?? [];
  const size = kernel[0] ?? 1;
  const plain =
    (size === 2 || size === 4) &&
    [...kernel, ...(call.ints('strides') ?? [1])].every((extent) => extent === size) &&
    (call.ints('pads') ?? []).every((pad) => pad === 0) &&
    (call.ints('dilations') ?? []).every((dilation) => dilation === 1) &&
    call.int('ceil_mode', 0) === 0 &&
    ['NOTSET', 'VALID'].includes(call.string('auto_pad', 'NOTSET'));
  return plain ? size : null;
}

/** A pool as a step, and the value made from its register. */
export type PooledValue = { readonly step: PoolStep; readonly after: (register: number) => LinearValue };

/**
 * Mean pooling of a register over windows that do not overlap; null for any other node. Factors and summands of entire channels can be
 * applied after the pooling instead of before.
 */
export function poolValue(call: Call, input: LinearValue): PooledValue | null {
  const [only] = input.parts;
  const [, channels, height, width, ...more] = input.shape;
  if (call.node.operator !== 'AveragePool' || width === undefined || more.length > 0) return null;
  if (input.parts.size !== 1 || only![0] === 0) return null;
  const factors = channelFactors(only![1], channels!, height! * width);
  const summands = input.constant && perChannel(input.constant, channels!);
  const size = poolSize(call);
  if (factors === null || summands === undefined || size === null) return null;
  const shape = [1, channels!, Math.floor(height! / size), Math.floor(width / size)];
  const pixels = shape[2]! * shape[3]!;
  const sum = identityAffine(channels! * pixels);
  const mean = { ...sum, weight: sum.weight.map((_, i) => factors[Math.floor(i / pixels)]! / size ** 2) };
  const constant = summands && sum.bias.map((_, i) => summands[Math.floor(i / pixels)]!);
  return {
    step: { kind: 'pool', source: only![0], shape: [channels!, height!, width], size },
    after: (register) => ({ parts: new Map([[register, mean]]), constant, shape }),
  };
}
