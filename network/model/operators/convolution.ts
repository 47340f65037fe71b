import { sizeOf, type Tensor } from '../graph.ts';
import { DoubleProduct } from '../kernel/double-product.ts';
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
function fillColumns(columns: Float64Array, image: Float32Array | Float64Array, plan: ConvolutionPlan): void {
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

/** The capacity of 4 GiB. */
const MOST_VALUES = 2 ** 29 - 1;

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
  const output = call.allocate(batch * maps * positions);
  const rows = maps / groups;
  const depth = patch * taps;
  call.spend(output.length * depth);
  if (depth * (rows + positions) + rows * positions > MOST_VALUES) {
    call.refuse(`${maps} maps of ${positions} windows with ${depth} values each are too many`);
  }
  const product = new DoubleProduct(rows, depth, positions);
  for (let g = 0; g < groups; g++) {
    product.a.set(weight.data.subarray(g * rows * depth, (g + 1) * rows * depth));
    for (let n = 0; n < batch; n++) {
      const start = (n * channels + g * patch) * pixels;
      fillColumns(product.b, input.data.subarray(start, start + patch * pixels), plan);
      for (let m = 0; m < rows; m++) {
        product.c.fill(bias?.data[g * rows + m] ?? 0, m * positions, (m + 1) * positions);
      }
      product.multiply();
      output.set(product.c, (n * maps + g * rows) * positions);
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
