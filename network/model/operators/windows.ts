import { sizeOf } from '../graph.ts';
import type { Call } from './operator.ts';

/** How a window slides over the spatial dimensions of one channel. */
export type Windows = {
  /** Spatial shape of the output. */
  readonly shape: readonly number[];
  readonly taps: number;
  readonly positions: number;
  /** `index[tap · positions + position]`: offset in the input channel, or −1 on padding. */
  readonly index: Int32Array;
  /** Taps that fall on the padded input (not beyond it, where `ceil_mode` reaches): divisor of count_include_pad. */
  readonly counted: Int32Array;
};

type Extent = { readonly begin: number; readonly end: number; readonly output: number };

/** Largest window table, in entries. */
const MAX_TABLE = 2 ** 27;

function outputExtent(
  call: Call,
  input: number,
  span: number,
  stride: number,
  autoPad: string,
  pads: Extent,
): Extent {
  if (autoPad === 'SAME_UPPER' || autoPad === 'SAME_LOWER') {
    const output = Math.ceil(input / stride);
    const total = Math.max(0, (output - 1) * stride + span - input);
    const small = Math.floor(total / 2);
    return autoPad === 'SAME_UPPER'
      ? { begin: small, end: total - small, output }
      : { begin: total - small, end: small, output };
  }
  const padded = input + pads.begin + pads.end - span;
  if (padded < 0)
    call.refuse(`the window (${span}) is larger than the padded input (${input + pads.begin + pads.end})`);
  let output = Math.floor(padded / stride) + 1;
  if (call.int('ceil_mode', 0) !== 0) {
    output = Math.ceil(padded / stride) + 1;
    // A last window that would start in the padding at the end is dropped (ONNX, AveragePool-22 and MaxPool-22).
    if ((output - 1) * stride >= input + pads.begin) output--;
  }
  return { begin: pads.begin, end: pads.end, output };
}

function positive(call: Call, name: string, rank: number): readonly number[] {
  const values = call.ints(name) ?? new Array<number>(rank).fill(1);
  if (values.length !== rank || values.some((value) => !(value >= 1 && value <= 2 ** 20))) {
    call.refuse(`attribute '${name}' is [${values.join(', ')}], expected ${rank} positive integers`);
  }
  return values;
}

/**
 * Tabulates the windows of a convolution or pooling node: kernel, strides, pads, auto_pad, dilations and ceil_mode as ONNX
 * defines them, for any number of spatial dimensions.
 *
 * @param spatial the input's spatial shape.
 * @param kernel spatial shape of the kernel.
 */
export function slideWindows(call: Call, spatial: readonly number[], kernel: readonly number[]): Windows {
  const rank = spatial.length;
  if (rank < 1 || kernel.length !== rank) {
    call.refuse(`a kernel of ${kernel.length} dimensions does not slide over an input of ${rank}`);
  }
  if (kernel.some((extent) => !(extent >= 1 && extent <= 2 ** 20)))
    call.refuse(`kernel ${kernel.join('×')} is empty`);
  const strides = positive(call, 'strides', rank);
  const dilations = positive(call, 'dilations', rank);
  const autoPad = call.string('auto_pad', 'NOTSET');
  if (!['NOTSET', 'VALID', 'SAME_UPPER', 'SAME_LOWER'].includes(autoPad))
    call.refuse(`auto_pad '${autoPad}' is unknown`);
  const pads = (autoPad === 'NOTSET' ? call.ints('pads') : undefined) ?? new Array<number>(2 * rank).fill(0);
  if (pads.length !== 2 * rank || pads.some((pad) => !(pad >= 0 && pad <= 2 ** 16))) {
    call.refuse(`pads [${pads.join(', ')}]: expected ${2 * rank} integers that are not negative`);
  }
  const extents = spatial.map((input, d) =>
    outputExtent(call, input, (kernel[d]! - 1) * dilations[d]! + 1, strides[d]!, autoPad, {
      begin: pads[d]!,
      end: pads[d + rank]!,
      output: 0,
    }),
  );
  const shape = extents.map((extent) => extent.output);
  const positions = sizeOf(shape);
  const taps = sizeOf(kernel);
  if (positions * taps > MAX_TABLE) call.refuse(`${positions} windows of ${taps} taps are too many`);
  const index = new Int32Array(taps * positions);
  const counted = new Int32Array(positions);
  for (let tap = 0; tap < taps; tap++) {
    for (let position = 0; position < positions; position++) {
      let tapRest = tap;
      let positionRest = position;
      let offset = 0;
      let unit = 1;
      let inside = true;
      let padded = true;
      for (let d = rank - 1; d >= 0; d--) {
        const k = tapRest % kernel[d]!;
        tapRest = (tapRest - k) / kernel[d]!;
        const o = positionRest % shape[d]!;
        positionRest = (positionRest - o) / shape[d]!;
        const at = o * strides[d]! + k * dilations[d]! - extents[d]!.begin;
        inside &&= at >= 0 && at < spatial[d]!;
        padded &&= at < spatial[d]! + extents[d]!.end;
        offset += at * unit;
        unit *= spatial[d]!;
      }
      index[tap * positions + position] = inside ? offset : -1;
      if (padded) counted[position]!++;
    }
  }
  return { shape, taps, positions, index, counted };
}
