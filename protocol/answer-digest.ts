import { createHash } from 'node:crypto';
import type { Envelope } from './envelope.ts';

/**
 * Identifies an answer at its place in the sequence: SHA-256, hex, of its ciphertext. Not of the envelope: a gateway that
 * was killed signs waiting answers again, as historical, and does not know whether the first form arrived.
 */
export function answerDigest(envelope: Pick<Envelope, 'ciphertext'>): string {
  return createHash('sha256').update(envelope.ciphertext).digest('hex');
}
