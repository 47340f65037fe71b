import type { KeyObject } from 'node:crypto';
import { answerDigest } from '#protocol/answer-digest.ts';
import { placesOf } from '#protocol/envelope.ts';
import { BlindsightError } from '#protocol/errors.ts';
import { encryptionSeed, type Opening, openOpening } from '#protocol/opening.ts';
import { isPrepared, pictureInputs } from '#vision/picture-input.ts';
import type { AuditJob, AuditOutcome } from './audit-task.ts';
import type { OpenPrograms } from './open-programs.ts';

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
    const { program, interpreter } = await programs.get(job.parts);
    const { picture: format, regions: count = 1 } = program;
    if (!isPrepared(opening.picture, format, count, placesOf(job.place))) return 'unequal';
    const values = pictureInputs(opening.picture, format, count);
    const { ciphertext } = interpreter.run(values, encryptionSeed(opening.seed, job.place));
    values.fill(0);
    return answerDigest({ ciphertext }) === job.answer ? 'equal' : 'unequal';
  } finally {
    opening.picture.fill(0);
    opening.seed.fill(0);
  }
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
