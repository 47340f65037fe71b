import { sizeOf, type Tensor } from '../graph.ts';
import { type Call, type Operator, tensorLike } from './operator.ts';
import { slideWindows, type Windows } from './windows.ts';

/** A pooling node whose shapes agree. */
export type PoolingPlan = {
  readonly images: number;
  readonly pixels: number;
  readonly shape: readonly number[];
  readonly windows: Windows;
};

/** Checks the shapes of a pooling node and tabulates its windows; every channel of every image is pooled the same way. */
export function planPooling(call: Call, inputShape: readonly number[]): PoolingPlan {
  const [batch, channels, ...spatial] = inputShape;
  if (batch === undefined || channels === undefined)
    call.refuse(`input ${inputShape.join('×')}: expected batch, channels, space`);
  const kernel = call.ints('kernel_shape') ?? call.refuse("attribute 'kernel_shape' is missing");
  const windows = slideWindows(call, spatial, kernel);
  return {
    images: batch * channels,
    pixels: sizeOf(spatial),
    shape: [batch, channels, ...windows.shape],
    windows,
  };
}

/** How many taps an average over `position` divides by. */
export function averageDivisor(call: Call, windows: Windows, position: number): number {
  if (call.int('count_include_pad', 0) !== 0) return windows.counted[position]!;
  let inside = 0;
  for (let tap = 0; tap < windows.taps; tap++)
    if (windows.index[tap * windows.positions + position]! >= 0) inside++;
  return inside;
}

function runAverage(call: Call): Tensor[] {
  const input = call.input(0);
  const { images, pixels, shape, windows } = planPooling(call, input.shape);
  const { index, taps, positions } = windows;
  const output = call.allocate(images * positions);
  for (let position = 0; position < positions; position++) {
    const divisor = averageDivisor(call, windows, position);
    for (let image = 0; image < images; image++) {
      let sum = 0;
      for (let tap = 0; tap < taps; tap++) {
        const at = index[tap * positions + position]!;
        if (at >= 0) sum += input.data[image * pixels + at]!;
      }
      output[image * positions + position] = sum / divisor;
    }
  }
  return [tensorLike(input, shape, output)];
}

/** The offset of `at` (row-major) if the first spatial dimension runs fastest. */
function columnMajorOffset(at: number, spatial: readonly number[]): number {
  let rest = at;
  let unit = sizeOf(spatial);
  let offset = 0;
  for (let d = spatial.length - 1; d >= 0; d--) {
    unit /= spatial[d]!;
    offset += (rest % spatial[d]!) * unit;
    rest = Math.floor(rest / spatial[d]!);
  }
  return offset;
}

function runMax(call: Call): Tensor[] {
  const input = call.input(0);
  const { images, pixels, shape, windows } = planPooling(call, input.shape);
  const spatial = input.shape.slice(2);
  const columnMajor = call.int('storage_order', 0) !== 0;
  const { index, taps, positions } = windows;
  const output = call.allocate(images * positions).fill(-Infinity);
  const where = call.allocate(images * positions);
  for (let image = 0; image < images; image++) {
    for (let position = 0; position < positions; position++) {
      const out = image * positions + position;
      for (let tap = 0; tap < taps; tap++) {
        const at = index[tap * positions + position]!;
        if (at < 0 || input.data[image * pixels + at]! <= output[out]!) continue;
        output[out] = input.data[image * pixels + at]!;
        where[out] = image * pixels + (columnMajor ? columnMajorOffset(at, spatial) : at);
      }
    }
  }
  return [tensorLike(input, shape, output), { type: 'int64', shape, data: where }];
}

function runGlobalAverage(call: Call): Tensor[] {
  const input = call.input(0);
  const [batch = 0, channels = 0, ...spatial] = input.shape;
  const pixels = sizeOf(spatial);
  const output = call.allocate(batch * channels);
  for (let image = 0; image < output.length; image++) {
    let sum = 0;
    for (let at = 0; at < pixels; at++) sum += input.data[image * pixels + at]!;
    output[image] = sum / pixels;
  }
  return [tensorLike(input, [batch, channels, ...spatial.map(() => 1)], output)];
}

const WINDOW_ATTRIBUTES = ['auto_pad', 'ceil_mode', 'dilations', 'kernel_shape', 'pads', 'strides'];

/** AveragePool, MaxPool (with indices) and GlobalAveragePool, any number of spatial dimensions. */
export const pooling: Readonly<Record<string, Operator>> = {
  AveragePool: { attributes: [...WINDOW_ATTRIBUTES, 'count_include_pad'], arity: [1, 1], run: runAverage },
  MaxPool: { attributes: [...WINDOW_ATTRIBUTES, 'storage_order'], arity: [1, 1], run: runMax },
  GlobalAveragePool: { attributes: [], arity: [1, 1], run: runGlobalAverage },
};
