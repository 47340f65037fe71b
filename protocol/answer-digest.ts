import { createHash } from 'node:crypto';
import type { Envelope } from './envelope.ts';

/** It is asked for several times on the way of an answer. */
const known = new WeakMap<Uint8Array, string>();

/**
 * Identifies an answer at its place in the sequence: SHA-256, hex, of its ciphertext. Not of the envelope: a gateway that
 * was killed signs waiting answers again, as historical, and does not know whether the first form arrived. Bytes that were asked about must not be changed.
 */
export function answerDigest(envelope: Pick<Envelope, 'ciphertext'>): string {
  const { ciphertext } = envelope;
  let digest = known.get(ciphertext);
  if (digest === undefined) {
    digest = createHash('sha256').update(ciphertext).digest('hex');
    known.set(ciphertext, digest);
  }
  return digest;
}
