import { NOISE_SHARE } from '#fhe/secret';
import type { Target } from './target.ts';
import type { Told } from './told.ts';

/** The software is public, and with it how much noise the owner adds, in slot units. */
const SIGMA = NOISE_SHARE;
/** Errors of what is thought to be the unit, and of the ciphertext. */
const FLOOR = 1e-6;

/** Logarithm of the standard normal distribution function, to a few percent, which is enough for comparing. */
function logNormal(x: number): number {
  if (x < -5) return (-x * x) / 2 - Math.log(-x) - 0.92;
  return Math.log(1 / (1 + Math.exp(-1.702 * x)) + 1e-12);
}

function softmax(logits: readonly number[]): number[] {
  const top = Math.max(...logits);
  const powers = logits.map((logit) => Math.exp(logit - top));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
}

/** How likely each of many possibilities makes what is told. */
export type LikelihoodTable = {
  /** Adds the logarithm of the likelihood of each possibility to `logs`. */
  add(logs: Float64Array, told: Told): void;
};

/** @param possibilities the logits of each, in slot units */
export function likelihoodTable(
  possibilities: readonly (readonly number[])[],
  target: Target,
): LikelihoodTable {
  return target.fineness === 'label' ? ofLabels(possibilities, target) : ofShares(possibilities, target);
}

function ofLabels(possibilities: readonly (readonly number[])[], { labels }: Target): LikelihoodTable {
  return {
    add(logs, told) {
      possibilities.forEach((logits, i) => {
        for (let from = 0; from < logits.length; from += labels) {
          const best = told.indexOf(1, from);
          for (let l = from; l < from + labels; l++)
            if (l !== best) logs[i]! += logNormal((logits[best]! - logits[l]!) / (SIGMA * Math.SQRT2));
        }
      });
    },
  };
}

function ofShares(
  possibilities: readonly (readonly number[])[],
  { labels, unit, fineness }: Target,
): LikelihoodTable {
  const step = fineness === 'label' ? 1 : fineness.step;
  const width = possibilities[0]!.length;
  const means = new Float64Array(possibilities.length * width);
  const weights = new Float64Array(means.length);
  const constants = new Float64Array(possibilities.length);
  possibilities.forEach((logits, i) => {
    for (let from = 0; from < width; from += labels) {
      const shares = softmax(logits.slice(from, from + labels).map((value) => value * unit));
      const squares = shares.reduce((sum, p) => sum + p * p, 0);
      shares.forEach((p, l) => {
        const slope = p * p * ((1 - p) ** 2 + squares - p * p);
        const variance = (SIGMA * unit) ** 2 * slope + step ** 2 / 12 + FLOOR;
        const at = i * width + from + l;
        means[at] = p;
        weights[at] = 1 / (2 * variance);
        constants[i]! -= Math.log(variance) / 2;
      });
    }
  });
  return {
    add(logs, told) {
      for (let i = 0, at = 0; i < possibilities.length; i++) {
        let sum = constants[i]!;
        for (let l = 0; l < width; l++, at++) sum -= (told[l]! - means[at]!) ** 2 * weights[at]!;
        logs[i]! += sum;
      }
    },
  };
}
