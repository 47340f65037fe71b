/**
 * Convolutions of a batch, eight pictures side by side in the lanes of two registers: whatever the geometry, each step is the same for all of them,
 * no patch is laid out, nothing is multiplied with padding. Arrays are [group of 8 pictures][pixel][channel][8]. Arguments are words in memory,
 * so that threads need only their place; a part of a job is done by one thread, and no sum depends on who does it.
 *
 * On one core of an EPYC beside other load (2026-11, shapes of network/zoo/cifar10): forward 16 products a nanosecond, slopes 12. With the fused
 * multiply-add of relaxed SIMD 20 and 10, but then machines with and without it give different networks: it lost.
 */
import { total } from './lanes';

// @ts-ignore: decorator
@inline
function store4(out: usize, left: i32, s00: v128, s01: v128, s10: v128, s11: v128, s20: v128, s21: v128, s30: v128, s31: v128): void {
  v128.store(out, s00); v128.store(out, s01, 16);
  if (left > 1) { v128.store(out, s10, 32); v128.store(out, s11, 48); }
  if (left > 2) { v128.store(out, s20, 64); v128.store(out, s21, 80); }
  if (left > 3) { v128.store(out, s30, 96); v128.store(out, s31, 112); }
}
/**
 * out = bias + sum over runs: of each output pixel, runs of consecutive rows of the input with consecutive rows of the weights.
 * Words: 0 out, 1 input, 2 weights [block of 4 rows][depth][4], 3 bias or 0, 4 first run of each pixel and the end, 5 runs (row of the input, row of
 * the weights, length), 6 pixels of the output, 7 rows of a pixel of the output, 8 rows of the input of a group, 9 depth, 10 slices of a group.
 * A part is a slice of the pixels of a group.
 */
export function convolve(args: usize, part: i32): void {
  const slices = load<i32>(args, 40);
  const group = part / slices, slice = part % slices;
  const pixels = load<i32>(args, 24), rows = load<i32>(args, 28), depth = load<i32>(args, 36);
  const input = <usize>load<i32>(args, 4) + <usize>(group * load<i32>(args, 32)) * 32;
  const weights = <usize>load<i32>(args, 8), bias = <usize>load<i32>(args, 12);
  const starts = <usize>load<i32>(args, 16), runs = <usize>load<i32>(args, 20);
  const first = pixels * slice / slices, end = pixels * (slice + 1) / slices;
  let out = <usize>load<i32>(args) + <usize>((group * pixels + first) * rows) * 32;
  for (let p = first; p < end; p++) {
    const firstRun = runs + <usize>load<i32>(starts + (<usize>p << 2)) * 12;
    const endRun = runs + <usize>load<i32>(starts + (<usize>p << 2), 4) * 12;
    let w = weights;
    for (let m = 0; m < rows; m += 4) {
      let s00 = f32x4.splat(0), s01 = f32x4.splat(0), s10 = f32x4.splat(0), s11 = f32x4.splat(0);
      let s20 = f32x4.splat(0), s21 = f32x4.splat(0), s30 = f32x4.splat(0), s31 = f32x4.splat(0);
      if (bias) {
        const from = bias + (<usize>m << 2);
        s00 = s01 = v128.load32_splat(from); s10 = s11 = v128.load32_splat(from, 4);
        s20 = s21 = v128.load32_splat(from, 8); s30 = s31 = v128.load32_splat(from, 12);
      }
      for (let run = firstRun; run < endRun; run += 12) {
        let at = input + (<usize>load<i32>(run) << 5);
        let k = w + (<usize>load<i32>(run, 4) << 4);
        const length = load<i32>(run, 8);
        const last = at + (<usize>(length & ~1) << 5);
        for (; at < last; at += 64, k += 32) {
          let b0 = v128.load(at), b1 = v128.load(at, 16);
          let w0 = v128.load32_splat(k), w1 = v128.load32_splat(k, 4), w2 = v128.load32_splat(k, 8), w3 = v128.load32_splat(k, 12);
          s00 = f32x4.add(s00, f32x4.mul(w0, b0)); s01 = f32x4.add(s01, f32x4.mul(w0, b1));
          s10 = f32x4.add(s10, f32x4.mul(w1, b0)); s11 = f32x4.add(s11, f32x4.mul(w1, b1));
          s20 = f32x4.add(s20, f32x4.mul(w2, b0)); s21 = f32x4.add(s21, f32x4.mul(w2, b1));
          s30 = f32x4.add(s30, f32x4.mul(w3, b0)); s31 = f32x4.add(s31, f32x4.mul(w3, b1));
          b0 = v128.load(at, 32); b1 = v128.load(at, 48);
          w0 = v128.load32_splat(k, 16); w1 = v128.load32_splat(k, 20); w2 = v128.load32_splat(k, 24); w3 = v128.load32_splat(k, 28);
          s00 = f32x4.add(s00, f32x4.mul(w0, b0)); s01 = f32x4.add(s01, f32x4.mul(w0, b1));
          s10 = f32x4.add(s10, f32x4.mul(w1, b0)); s11 = f32x4.add(s11, f32x4.mul(w1, b1));
          s20 = f32x4.add(s20, f32x4.mul(w2, b0)); s21 = f32x4.add(s21, f32x4.mul(w2, b1));
          s30 = f32x4.add(s30, f32x4.mul(w3, b0)); s31 = f32x4.add(s31, f32x4.mul(w3, b1));
        }
        if (length & 1) {
          const b0 = v128.load(at), b1 = v128.load(at, 16);
          const w0 = v128.load32_splat(k), w1 = v128.load32_splat(k, 4), w2 = v128.load32_splat(k, 8), w3 = v128.load32_splat(k, 12);
          s00 = f32x4.add(s00, f32x4.mul(w0, b0)); s01 = f32x4.add(s01, f32x4.mul(w0, b1));
          s10 = f32x4.add(s10, f32x4.mul(w1, b0)); s11 = f32x4.add(s11, f32x4.mul(w1, b1));
          s20 = f32x4.add(s20, f32x4.mul(w2, b0)); s21 = f32x4.add(s21, f32x4.mul(w2, b1));
          s30 = f32x4.add(s30, f32x4.mul(w3, b0)); s31 = f32x4.add(s31, f32x4.mul(w3, b1));
        }
      }
      store4(out, rows - m, s00, s01, s10, s11, s20, s21, s30, s31);
      out += <usize>min(4, rows - m) << 5;
      w += <usize>depth << 4;
    }
  }
}
/** The sums of four registers. */
// @ts-ignore: decorator
@inline
function sums(a: v128, b: v128, c: v128, d: v128): v128 {
  const ab = f32x4.add(i32x4.shuffle(a, b, 0, 4, 1, 5), i32x4.shuffle(a, b, 2, 6, 3, 7));
  const cd = f32x4.add(i32x4.shuffle(c, d, 0, 4, 1, 5), i32x4.shuffle(c, d, 2, 6, 3, 7));
  return f32x4.add(i32x4.shuffle(ab, cd, 0, 1, 4, 5), i32x4.shuffle(ab, cd, 2, 3, 6, 7));
}
/**
 * Adds to the gradients of weights [map][channel][tap] and biases.
 * Words: 0 gradients of the output, 1 input, 2 room for [tap][channel][maps, a multiple of 4], 3 pairs (bytes to the pixel of the output, and of the input), 4 first pair
 * of each [chunk][tap] and the end, 5 groups, 6 maps, 7 channels, 8 taps, 9 chunks, 10 pixels of the output, 11 of the input, 12 maps of a part,
 * 13 gradients of the weights, 14 of the biases or 0. A part is some of the maps; chunks of pixels stay in the caches.
 * Beyond the last map and channel it reads on, up to 96 bytes behind the arrays, and drops what comes of it.
 */
export function slopes(args: usize, part: i32): void {
  const gradients = <usize>load<i32>(args), input = <usize>load<i32>(args, 4), sum = <usize>load<i32>(args, 8);
  const pairs = <usize>load<i32>(args, 12), starts = <usize>load<i32>(args, 16);
  const groups = load<i32>(args, 20), maps = load<i32>(args, 24), channels = load<i32>(args, 28), taps = load<i32>(args, 32);
  const chunks = load<i32>(args, 36), outPixels = load<i32>(args, 40), inPixels = load<i32>(args, 44), perPart = load<i32>(args, 48);
  const padded = (maps + 3) & ~3;
  const firstMap = part * perPart, endMap = min(padded, firstMap + perPart);
  const outRow = <usize>maps << 5, inRow = <usize>channels << 5;
  for (let tap = 0; tap < taps; tap++) for (let c = 0; c < channels; c++)
    memory.fill(sum + (<usize>((tap * channels + c) * padded + firstMap) << 2), 0, <usize>(endMap - firstMap) << 2);
  for (let g = 0; g < groups; g++) {
    const g0 = gradients + <usize>(g * outPixels) * outRow, x0 = input + <usize>(g * inPixels) * inRow;
    for (let chunk = 0; chunk < chunks; chunk++) {
      for (let tap = 0; tap < taps; tap++) {
        const range = starts + (<usize>(chunk * taps + tap) << 2);
        const first = pairs + (<usize>load<i32>(range) << 3), end = pairs + (<usize>load<i32>(range, 4) << 3);
        for (let c = 0; c < channels; c += 2) {
          const x1 = x0 + (<usize>c << 5);
          for (let m = firstMap; m < endMap; m += 4) {
            const g1 = g0 + (<usize>m << 5);
            let s00 = f32x4.splat(0), s01 = f32x4.splat(0), s10 = f32x4.splat(0), s11 = f32x4.splat(0);
            let s20 = f32x4.splat(0), s21 = f32x4.splat(0), s30 = f32x4.splat(0), s31 = f32x4.splat(0);
            for (let at = first; at < end; at += 8) {
              const y = g1 + <usize>load<i32>(at), x = x1 + <usize>load<i32>(at, 4);
              let b0 = v128.load(x), b1 = v128.load(x, 32);
              let w0 = v128.load(y), w1 = v128.load(y, 32), w2 = v128.load(y, 64), w3 = v128.load(y, 96);
              s00 = f32x4.add(s00, f32x4.mul(w0, b0)); s01 = f32x4.add(s01, f32x4.mul(w0, b1));
              s10 = f32x4.add(s10, f32x4.mul(w1, b0)); s11 = f32x4.add(s11, f32x4.mul(w1, b1));
              s20 = f32x4.add(s20, f32x4.mul(w2, b0)); s21 = f32x4.add(s21, f32x4.mul(w2, b1));
              s30 = f32x4.add(s30, f32x4.mul(w3, b0)); s31 = f32x4.add(s31, f32x4.mul(w3, b1));
              b0 = v128.load(x, 16), b1 = v128.load(x, 48);
              w0 = v128.load(y, 16), w1 = v128.load(y, 48), w2 = v128.load(y, 80), w3 = v128.load(y, 112);
              s00 = f32x4.add(s00, f32x4.mul(w0, b0)); s01 = f32x4.add(s01, f32x4.mul(w0, b1));
              s10 = f32x4.add(s10, f32x4.mul(w1, b0)); s11 = f32x4.add(s11, f32x4.mul(w1, b1));
              s20 = f32x4.add(s20, f32x4.mul(w2, b0)); s21 = f32x4.add(s21, f32x4.mul(w2, b1));
              s30 = f32x4.add(s30, f32x4.mul(w3, b0)); s31 = f32x4.add(s31, f32x4.mul(w3, b1));
            }
            const to = sum + (<usize>((tap * channels + c) * padded + m) << 2);
            v128.store(to, f32x4.add(v128.load(to), sums(s00, s10, s20, s30)));
            if (c + 1 < channels) {
              const next = to + (<usize>padded << 2);
              v128.store(next, f32x4.add(v128.load(next), sums(s01, s11, s21, s31)));
            }
          }
        }
      }
    }
  }
  const weights = <usize>load<i32>(args, 52), biases = <usize>load<i32>(args, 56);
  const last = min(endMap, maps);
  for (let m = firstMap; m < last; m++) {
    let to = weights + (<usize>(m * channels * taps) << 2);
    for (let c = 0; c < channels; c++) for (let tap = 0; tap < taps; tap++, to += 4)
      store<f32>(to, load<f32>(to) + load<f32>(sum + (<usize>((tap * channels + c) * padded + m) << 2)));
    if (!biases) continue;
    let both = f32x4.splat(0);
    for (let p = 0; p < groups * outPixels; p++) {
      const at = gradients + <usize>p * outRow + (<usize>m << 5);
      both = f32x4.add(both, f32x4.add(v128.load(at), v128.load(at, 16)));
    }
    store<f32>(biases + (<usize>m << 2), load<f32>(biases + (<usize>m << 2)) + total(both));
  }
}
