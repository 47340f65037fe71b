import { ENVELOPE_OVERHEAD_BYTES } from './envelope.ts';
import type { EnvelopePlace } from './trace-name.ts';

/** Keys of the envelope's CBOR map, with the head of their text. */
const key = (name: string): Buffer =>
  Buffer.concat([Buffer.from([0x60 + name.length]), Buffer.from(name, 'latin1')]);
const SESSION = key('session');
const SEQUENCE = key('sequence');

/**
 * The numbers that an envelope says it has. It is not decoded, and its signature not checked, so that it costs next to nothing and nothing may depend on it but how
 * a trace is called: a gateway that lies about them mislabels its own.
 *
 * @returns null where there are none
 */
export function envelopePlace(envelope: Uint8Array): Pick<EnvelopePlace, 'session' | 'sequence'> | null {
  // Keys are in order of their length: what is long, the ciphertext, comes behind them.
  const head = Buffer.from(
    envelope.buffer,
    envelope.byteOffset,
    Math.min(envelope.length, ENVELOPE_OVERHEAD_BYTES),
  );
  const session = numberBehind(head, SESSION);
  const sequence = numberBehind(head, SEQUENCE);
  return session === null || sequence === null ? null : { session, sequence };
}

/** The number behind a key. A name of a camera may end like one: no number is behind it. */
function numberBehind(bytes: Buffer, name: Buffer): number | null {
  for (let at = bytes.indexOf(name); at >= 0; at = bytes.indexOf(name, at + 1)) {
    const found = readNumber(bytes, at + name.length);
    if (found !== null) return found;
  }
  return null;
}

/** A whole number of CBOR that is not negative and that JavaScript can hold. */
function readNumber(bytes: Buffer, at: number): number | null {
  const first = bytes[at];
  if (first === undefined || first > 0x1b) return null;
  if (first < 0x18) return first;
  const length = 2 ** (first - 0x18);
  if (at + 1 + length > bytes.length) return null;
  if (length < 8) return bytes.readUIntBE(at + 1, length);
  const large = bytes.readBigUInt64BE(at + 1);
  return large > BigInt(Number.MAX_SAFE_INTEGER) ? null : Number(large);
}
