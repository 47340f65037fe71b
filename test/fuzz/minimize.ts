import { judge } from './judge.ts';
import type { Target } from './target.ts';

/** Attempts at a smaller input; a slow find is not minimized for hours. */
const MOST_ATTEMPTS = 2_000;
const MOST_MS = 20_000;

/**
 * A smaller input that breaks the target in the same way: pieces are left out, half of it first, as long as that works
 * (Zeller and Hildebrandt, "Simplifying and isolating failure-inducing input", 2002).
 */
export async function minimize(target: Target, input: Uint8Array): Promise<Uint8Array> {
  const kind = (await judge(target, input))?.kind;
  if (kind === undefined) return input;
  const end = performance.now() + MOST_MS;
  let best = input;
  let attempts = 0;
  for (let piece = Math.ceil(best.length / 2); piece >= 1; piece = Math.floor(piece / 2)) {
    for (let at = 0; at < best.length; ) {
      if (attempts++ > MOST_ATTEMPTS || performance.now() > end) return best;
      const shorter = Buffer.concat([best.subarray(0, at), best.subarray(at + piece)]);
      if ((await judge(target, new Uint8Array(shorter)))?.kind === kind) best = new Uint8Array(shorter);
      else at += piece;
    }
  }
  return best;
}
