import { bitReverse } from './bit-reverse.ts';
import { addMod, invMod, mulModPrepared, subMod } from './modular.ts';
import { minimalPrimitiveRoot } from './primitive-root.ts';

/**
 * Negacyclic number-theoretic transform of one limb, in place, with SEAL's roots and order: entry i of the
 * transformed polynomial a is a(ψ^(2·rev(i) + 1)), where ψ is the smallest primitive 2N-th root and rev reverses log2 N bits.
 */
export type Ntt = {
  readonly degree: number;
  readonly modulus: number;
  /** ψ. */
  readonly root: number;
  /** Coefficients → values; all in [0, q). */
  forward(polynomial: Uint32Array): void;
  /** Values → coefficients; all in [0, q). */
  inverse(polynomial: Uint32Array): void;
};

/** Makes the tables for ring degree `degree` (a power of two) and the prime `q` (1 modulo 2N, below 2^30). */
export function createNtt(degree: number, q: number): Ntt {
  const root = minimalPrimitiveRoot(degree, q);
  const forwardRoots = powersInReverse(degree, q, root);
  const inverseRoots = powersInReverse(degree, q, invMod(root, q));
  const forwardQuotients = quotientsOf(forwardRoots, q);
  const inverseQuotients = quotientsOf(inverseRoots, q);
  const degreeInverse = invMod(degree % q, q);
  const degreeInverseQuotient = degreeInverse / q;

  return {
    degree,
    modulus: q,
    root,
    // Cooley–Tukey, natural order in, reversed order out.
    forward(x) {
      for (let groups = 1, gap = degree >>> 1; groups < degree; groups <<= 1, gap >>>= 1) {
        for (let group = 0; group < groups; group++) {
          const w = forwardRoots[groups + group]!;
          const quotient = forwardQuotients[groups + group]!;
          const start = 2 * group * gap;
          for (let j = start; j < start + gap; j++) {
            const u = x[j]!;
            const v = mulModPrepared(x[j + gap]!, w, quotient, q);
            x[j] = addMod(u, v, q);
            x[j + gap] = subMod(u, v, q);
          }
        }
      }
    },
    // Gentleman–Sande, the same stages backwards, then a division by N.
    inverse(x) {
      for (let groups = degree >>> 1, gap = 1; groups >= 1; groups >>>= 1, gap <<= 1) {
        for (let group = 0; group < groups; group++) {
          const w = inverseRoots[groups + group]!;
          const quotient = inverseQuotients[groups + group]!;
          const start = 2 * group * gap;
          for (let j = start; j < start + gap; j++) {
            const u = x[j]!;
            const v = x[j + gap]!;
            x[j] = addMod(u, v, q);
            x[j + gap] = mulModPrepared(subMod(u, v, q), w, quotient, q);
          }
        }
      }
      for (let j = 0; j < degree; j++) x[j] = mulModPrepared(x[j]!, degreeInverse, degreeInverseQuotient, q);
    },
  };
}

/** For `mulModPrepared`. */
function quotientsOf(roots: Uint32Array, q: number): Float64Array {
  const quotients = new Float64Array(roots);
  for (let i = 0; i < quotients.length; i++) quotients[i] = quotients[i]! / q;
  return quotients;
}

/** Entry rev(i) holds root^i. */
function powersInReverse(degree: number, q: number, root: number): Uint32Array {
  const bits = Math.log2(degree);
  const powers = new Uint32Array(degree);
  const quotient = root / q;
  let power = 1;
  for (let i = 0; i < degree; i++) {
    powers[bitReverse(i, bits)] = power;
    power = mulModPrepared(power, root, quotient, q);
  }
  return powers;
}
