import { randomFillSync } from 'node:crypto';
import type { RunResult } from '#fhe';
import { type AnswerPlace, encryptionSeed, OPENING_SEED_BYTES, type Opening } from '#protocol/opening.ts';
import type { InterpreterHost } from './interpreter-host.ts';
import type { Runner } from './runner.ts';

/** An answer and what it was computed from; null where it cannot be computed again. */
export type OpenableResult = RunResult & { readonly opening: Opening | null };

/**
 * Runs the program on a picture under a seed of its own, so that the answer can be computed again from picture, seed and place. The reference interpreter
 * takes no seed: SEAL draws its own randomness.
 *
 * @param picture the opening's afterwards, and wiped where there is none
 * @param place what the envelope of the answer will say
 */
export async function runToOpen(
  runner: Pick<Runner, 'run'>,
  host: InterpreterHost,
  picture: Uint8Array,
  place: AnswerPlace,
): Promise<OpenableResult> {
  const seed = host.kind === 'engine' ? randomFillSync(new Uint8Array(OPENING_SEED_BYTES)) : null;
  const used = seed && encryptionSeed(seed, place);
  let opening: Opening | null = null;
  try {
    const result = await runner.run(host, picture, used);
    if (seed !== null) opening = { picture, seed };
    return { ...result, opening };
  } finally {
    used?.fill(0);
    if (opening === null) for (const secret of [picture, seed]) secret?.fill(0);
  }
}
