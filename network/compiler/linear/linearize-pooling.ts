import { sizeOf } from '#network/model/graph.ts';
import type { Call } from '#network/model/operators/operator.ts';
import { averageDivisor, planPooling } from '#network/model/operators/pooling.ts';
import { AffineBuilder } from './affine.ts';
import type { LinearInput, LinearMap } from './linear-rule.ts';

/** Mean pooling over windows as a matrix: each output averages the existing pixels of its window (or all, with count_include_pad). */
export function poolingMap(call: Call, { shape }: LinearInput): LinearMap {
  const { images, pixels, shape: output, windows } = planPooling(call, shape);
  const { taps, positions, index } = windows;
  const builder = new AffineBuilder(sizeOf(shape));
  for (let image = 0; image < images; image++) {
    for (let p = 0; p < positions; p++) {
      const share = 1 / averageDivisor(call, windows, p);
      for (let tap = 0; tap < taps; tap++) {
        const at = index[tap * positions + p]!;
        if (at >= 0) builder.entry(image * pixels + at, share);
      }
      builder.endRow(0);
    }
  }
  return { affine: builder.build(), shape: output };
}

/** The mean of each channel as a matrix. */
export function globalPoolingMap(_call: Call, { shape }: LinearInput): LinearMap {
  const [, channels = 1, ...spatial] = shape;
  const pixels = sizeOf(spatial);
  const builder = new AffineBuilder(sizeOf(shape));
  for (let c = 0; c < channels; c++) {
    for (let p = 0; p < pixels; p++) builder.entry(c * pixels + p, 1 / pixels);
    builder.endRow(0);
  }
  return { affine: builder.build(), shape: [1, channels, ...spatial.map(() => 1)] };
}
