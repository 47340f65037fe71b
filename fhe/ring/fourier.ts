import { bitReverse } from './bit-reverse.ts';

/**
 * The map between slots and real coefficients, in float64.
 *
 * Slot i of a real polynomial m of degree below N is m(ζ^(3^i)), ζ = exp(πi/N) (SEAL's order). The exponents e ≡ 1 mod 4 are
 * half of the odd ones, the other half are their conjugates; at them X^(N/2) is ζ^(e·N/2) = i. So with
 * d_k = c_k + i·c_(k+N/2) for k < N/2, m(ζ^(4t+1)) = Σ_k (d_k·ζ^k)·exp(2πi·t·k/(N/2)): a twist and a Fourier transform of
 * length N/2. Slots with 3^i ≡ 3 mod 4 are read at the conjugate exponent.
 */
export type SlotTransform = {
  /** Coefficients (N) of the real polynomial with these N/2 real slots. */
  toCoefficients(slots: Float64Array): Float64Array;
  /** The real parts of the N/2 slots of a real polynomial of N coefficients. */
  toSlots(coefficients: Float64Array): Float64Array;
};

/** @param degree N, a power of two, at least 4. */
export function createSlotTransform(degree: number): SlotTransform {
  const half = degree / 2;
  const bits = Math.log2(half);
  // place[i] = t of the exponent 4t + 1 that slot i is read at.
  const place = new Uint32Array(half);
  for (let i = 0, exponent = 1; i < half; i++, exponent = (exponent * 3) % (2 * degree)) {
    place[i] = ((exponent % 4 === 1 ? exponent : 2 * degree - exponent) - 1) / 4;
  }
  // ζ^k for all k below 2N: also the roots of the transform, exp(2πi·k/(N/2)) = ζ^(4k).
  const cos = Float64Array.from({ length: half }, (_, k) => Math.cos((Math.PI * k) / degree));
  const sin = Float64Array.from({ length: half }, (_, k) => Math.sin((Math.PI * k) / degree));
  const rootCos = Float64Array.from({ length: half / 2 }, (_, k) => Math.cos((2 * Math.PI * k) / half));
  const rootSin = Float64Array.from({ length: half / 2 }, (_, k) => Math.sin((2 * Math.PI * k) / half));
  const reversed = Uint32Array.from({ length: half }, (_, k) => bitReverse(k, bits));

  /** In place, unscaled; `sign` +1: Σ x_k exp(+2πi·t·k/n), −1: its inverse up to n. Decimation in time. */
  function transform(re: Float64Array, im: Float64Array, sign: 1 | -1): void {
    for (let k = 0; k < half; k++) {
      const j = reversed[k]!;
      if (j <= k) continue;
      const swapRe = re[k]!;
      const swapIm = im[k]!;
      re[k] = re[j]!;
      im[k] = im[j]!;
      re[j] = swapRe;
      im[j] = swapIm;
    }
    for (let length = 2; length <= half; length *= 2) {
      const gap = length / 2;
      const stride = half / length;
      for (let start = 0; start < half; start += length) {
        for (let k = 0; k < gap; k++) {
          const wr = rootCos[k * stride]!;
          const wi = sign * rootSin[k * stride]!;
          const a = start + k;
          const b = a + gap;
          const vr = re[b]! * wr - im[b]! * wi;
          const vi = re[b]! * wi + im[b]! * wr;
          re[b] = re[a]! - vr;
          im[b] = im[a]! - vi;
          re[a] = re[a]! + vr;
          im[a] = im[a]! + vi;
        }
      }
    }
  }

  return {
    toCoefficients(slots) {
      const re = new Float64Array(half);
      const im = new Float64Array(half);
      for (let i = 0; i < half; i++) re[place[i]!] = slots[i]!;
      transform(re, im, -1);
      const coefficients = new Float64Array(degree);
      for (let k = 0; k < half; k++) {
        // d_k = x_k · ζ^(−k) / (N/2).
        coefficients[k] = (re[k]! * cos[k]! + im[k]! * sin[k]!) / half;
        coefficients[k + half] = (im[k]! * cos[k]! - re[k]! * sin[k]!) / half;
      }
      return coefficients;
    },
    toSlots(coefficients) {
      const re = new Float64Array(half);
      const im = new Float64Array(half);
      for (let k = 0; k < half; k++) {
        const dr = coefficients[k]!;
        const di = coefficients[k + half]!;
        re[k] = dr * cos[k]! - di * sin[k]!;
        im[k] = dr * sin[k]! + di * cos[k]!;
      }
      transform(re, im, 1);
      return Float64Array.from(place, (t) => re[t]!);
    },
  };
}
