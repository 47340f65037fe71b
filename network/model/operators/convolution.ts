import { sizeOf, type Tensor } from '../graph.ts';
import type { Call, Operator } from './operator.ts';
import { tensorLike } from './operator.ts';
import { slideWindows, type Windows } from './windows.ts';

/** A Conv node whose shapes agree. `patch` = input channels of a group. */
export type ConvolutionPlan = {
  readonly batch: number;
  readonly channels: number;
  readonly maps: number;
  readonly groups: number;
  readonly patch: number;
  readonly pixels: number;
  readonly windows: Windows;
};

/** Checks the shapes of a Conv and tabulates its windows. */
export function planConvolution(
  call: Call,
  inputShape: readonly number[],
  weightShape: readonly number[],
): ConvolutionPlan {
  const [batch, channels, ...spatial] = inputShape;
  const [maps, patch, ...kernel] = weightShape;
  const groups = call.int('group', 1);
  if (batch === undefined || channels === undefined || maps === undefined || patch === undefined) {
    call.refuse(
      `input ${inputShape.join('×')} and weight ${weightShape.join('×')}: expected batch, channels, then space`,
    );
  }
  if (!(groups >= 1) || channels !== patch * groups || maps % groups !== 0) {
    call.refuse(
      `${channels} channels, ${maps} maps of ${patch} channels and ${groups} groups do not fit together`,
    );
  }
  const declared = call.ints('kernel_shape');
  if (declared !== undefined && declared.join() !== kernel.join()) {
    call.refuse(`kernel_shape ${declared.join('×')} but the weight is ${weightShape.join('×')}`);
  }
  return {
    batch,
    channels,
    maps,
    groups,
    patch,
    pixels: sizeOf(spatial),
    windows: slideWindows(call, spatial, kernel),
  };
}

/** Lays out columns[(channel · taps + tap) · positions + position] of one image and group; zero on padding. */
export function fillColumns(
  columns: Float64Array,
  image: Float32Array | Float64Array,
  plan: ConvolutionPlan,
): void {
  const { index, taps, positions } = plan.windows;
  for (let c = 0; c < plan.patch; c++) {
    const base = c * plan.pixels;
    const out = c * taps * positions;
    for (let i = 0; i < taps * positions; i++) {
      const at = index[i]!;
      columns[out + i] = at < 0 ? 0 : image[base + at]!;
    }
  }
}

/** row += Σ_d weights[d] · columns[d], four columns at a time: the row is loaded and stored a quarter as often. */
export function accumulateRows(
  row: Float64Array,
  weights: Float32Array | Float64Array,
  columns: Float64Array,
): void {
  const positions = row.length;
  const depth = weights.length;
  let d = 0;
  for (; d + 4 <= depth; d += 4) {
    const [w0, w1, w2, w3] = [weights[d]!, weights[d + 1]!, weights[d + 2]!, weights[d + 3]!];
    const c0 = d * positions;
    const c1 = c0 + positions;
    const c2 = c1 + positions;
    const c3 = c2 + positions;
    for (let p = 0; p < positions; p++) {
      row[p]! +=
        w0 * columns[c0 + p]! + w1 * columns[c1 + p]! + (w2 * columns[c2 + p]! + w3 * columns[c3 + p]!);
    }
  }
  for (; d < depth; d++) {
    const w = weights[d]!;
    const c = d * positions;
    for (let p = 0; p < positions; p++) row[p]! += w * columns[c + p]!;
  }
}

function runConvolution(call: Call): Tensor[] {
  const input = call.input(0);
  const weight = call.input(1);
  const bias = call.optional(2);
  const plan = planConvolution(call, input.shape, weight.shape);
  const { batch, maps, groups, patch, pixels, channels } = plan;
  const { positions, taps, shape } = plan.windows;
  if (bias !== undefined && bias.data.length !== maps) {
    call.refuse(`bias of ${bias.data.length} values for ${maps} maps`);
  }
  const depth = patch * taps;
  const columns = new Float64Array(depth * positions);
  const output = new Float64Array(batch * maps * positions);
  for (let n = 0; n < batch; n++) {
    for (let g = 0; g < groups; g++) {
      const start = (n * channels + g * patch) * pixels;
      fillColumns(columns, input.data.subarray(start, start + patch * pixels), plan);
      for (let m = (g * maps) / groups; m < ((g + 1) * maps) / groups; m++) {
        const row = output.subarray((n * maps + m) * positions, (n * maps + m + 1) * positions);
        if (bias !== undefined) row.fill(bias.data[m]!);
        accumulateRows(row, weight.data.subarray(m * depth, (m + 1) * depth), columns);
      }
    }
  }
  return [tensorLike(input, [batch, maps, ...shape], output)];
}

/** Conv, any number of spatial dimensions, groups and dilations included. */
export const convolution: Operator = {
  attributes: ['auto_pad', 'dilations', 'group', 'kernel_shape', 'pads', 'strides'],
  arity: [2, 3],
  run: runConvolution,
};
