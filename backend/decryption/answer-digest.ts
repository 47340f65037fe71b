import { createHash } from 'node:crypto';
import type { Envelope } from '#protocol/envelope.ts';

/**
 * By which an answer is known again at its place in the sequence: SHA-256, hex, of its ciphertext. Not of the envelope: a gateway that
 * was killed signs what waits anew, as historical, and does not know whether the first form has arrived.
 */
export function answerDigest(envelope: Pick<Envelope, 'ciphertext'>): string {
  return createHash('sha256').update(envelope.ciphertext).digest('hex');
}
