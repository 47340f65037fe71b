import type { KeyObject } from 'node:crypto';
import { answerPlaces, Gathering } from '#fhe';
import { answerDigest } from '#protocol/answer-digest.ts';
import { placesOf } from '#protocol/envelope.ts';
import { BlindsightError } from '#protocol/errors.ts';
import {
  type AnswerPlace,
  encryptionSeed,
  type Opening,
  openOpening,
  splitOpening,
} from '#protocol/opening.ts';
import { isPrepared, pictureInputs } from '#vision/picture-input.ts';
import type { AuditJob, AuditOutcome } from './audit-task.ts';
import type { OpenProgram, OpenPrograms } from './open-programs.ts';

/**
 * Computes an answer again from its opening. Needs no secret key of any network, and forgets the picture.
 *
 * @param keys X25519 private keys that openings may be sealed to
 * @throws whatever keeps the auditor itself from working: a damaged disk, an engine that does not start; never for anything a gateway can send
 */
export async function auditAnswer(
  job: AuditJob,
  keys: readonly KeyObject[],
  programs: OpenPrograms,
): Promise<AuditOutcome> {
  const opening = await openWith(keys, job);
  if (opening === null) return 'no-opening';
  try {
    const open = await programs.get(job.parts);
    const { later, ...first } = job.place;
    const { camera: _, regions: __, frameTimeMs: ___, ...common } = first;
    const own = splitOpening(opening, 1 + (later?.length ?? 0));
    if (own === null) return 'unequal';
    const compute = (i: number) =>
      computeAnswer(open, own[i]!, i === 0 ? first : { ...common, ...later![i - 1]! });
    const ciphertext =
      later === undefined
        ? compute(0)
        : gather(
            open,
            own.map((_, i) => i),
            compute,
          );
    return ciphertext !== null && answerDigest({ ciphertext }) === job.answer ? 'equal' : 'unequal';
  } finally {
    opening.picture.fill(0);
    opening.seed.fill(0);
  }
}

/** @returns null where no camera shows such a picture */
function computeAnswer(
  { program, interpreter }: OpenProgram,
  { picture, seed }: Opening,
  place: AnswerPlace,
): Uint8Array | null {
  const { picture: format, regions: count = 1 } = program;
  if (!isPrepared(picture, format, count, placesOf(place))) return null;
  const values = pictureInputs(picture, format, count);
  const { ciphertext } = interpreter.run(values, encryptionSeed(seed, place));
  values.fill(0);
  return ciphertext;
}

/** All of what a gateway gathered is computed again, and their sum is compared: any of them may be the lie. */
function gather(
  { verified }: OpenProgram,
  indices: readonly number[],
  compute: (index: number) => Uint8Array | null,
): Uint8Array | null {
  const places = answerPlaces(verified);
  if (indices.length > places) return null;
  const gathering = new Gathering(verified.resultParameters, places);
  for (const index of indices) {
    const answer = compute(index);
    if (answer === null) return null;
    gathering.add(answer);
  }
  return gathering.finish();
}

async function openWith(keys: readonly KeyObject[], { opening, answer }: AuditJob): Promise<Opening | null> {
  for (const key of keys) {
    try {
      return await openOpening(key, opening, answer);
    } catch (error) {
      if (!(error instanceof BlindsightError) || error.code !== 'OPENING_INVALID') throw error;
    }
  }
  return null;
}
