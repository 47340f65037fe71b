import { generateKeyPairSync } from 'node:crypto';
import { encode } from 'cborg';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeEnvelope,
  ENVELOPE_OVERHEAD_BYTES,
  type Envelope,
  encodeEnvelope,
  envelopeDigest,
  verifyEnvelope,
} from './envelope.ts';
import { BlindsightError } from './errors.ts';
import { MAX_REGIONS } from './names.ts';
import { gatewayTopics } from './topics.ts';

const MAX_BYTES = 4096;
const { privateKey, publicKey } = generateKeyPairSync('ed25519');

const sample: Envelope = {
  schema: 1,
  site: 'north',
  gateway: 'gate-1',
  camera: 'door',
  session: 3,
  sequence: 17,
  frameTimeMs: 1_790_000_000_000.25,
  readyTimeMs: 1_790_000_000_900,
  bundle: 'ab'.repeat(32),
  interpreter: 'reference',
  historical: false,
  timings: { prepareMs: 3.125, encryptMs: 20, evaluateMs: 812.7 },
  ciphertext: Uint8Array.from({ length: 600 }, (_, i) => i & 255),
};

/** True if bytes are refused: by the decoder with a BlindsightError, or by the signature. */
function refused(bytes: Uint8Array): boolean {
  try {
    return !verifyEnvelope(decodeEnvelope(bytes, MAX_BYTES), publicKey);
  } catch (error) {
    if (error instanceof BlindsightError && error.code === 'ENVELOPE_INVALID') return true;
    throw error;
  }
}

/** An envelope with hostile content but the wire form of an honest encoder. */
function wire(payload: unknown): Uint8Array {
  return encode([encode(payload), new Uint8Array(64)]);
}

describe('envelope', () => {
  const bytes = encodeEnvelope(sample, privateKey);

  it('comes back as it went, with a signature that holds for its key only', () => {
    const decoded = decodeEnvelope(bytes, MAX_BYTES);
    expect(decoded.envelope).toEqual(sample);
    expect(verifyEnvelope(decoded, publicKey)).toBe(true);
    expect(verifyEnvelope(decoded, generateKeyPairSync('ed25519').publicKey)).toBe(false);
  });

  it('names the regions that it is about, each once', () => {
    const regions = ['left', 'right-2'];
    const decoded = decodeEnvelope(encodeEnvelope({ ...sample, regions }, privateKey), MAX_BYTES);
    expect(decoded.envelope).toEqual({ ...sample, regions });
    expect(verifyEnvelope(decoded, publicKey)).toBe(true);
    for (const wrong of [[], ['left', 'left'], ['Left'], Array.from({ length: 65 }, (_, i) => `r${i}`)]) {
      expect(() => encodeEnvelope({ ...sample, regions: wrong }, privateKey)).toThrow(BlindsightError);
      expect(refused(wire({ ...sample, regions: wrong }))).toBe(true);
    }
  });

  it('has no more than a known number of bytes beyond the ciphertext, topic included', () => {
    const long = 'n'.repeat(32);
    const largest: Envelope = {
      ...sample,
      ...{ site: long, gateway: long, camera: long },
      regions: Array.from({ length: MAX_REGIONS }, (_, i) => `${'n'.repeat(29)}-${10 + i}`),
      ...{ session: 2 ** 52, sequence: 2 ** 52 },
      timings: { prepareMs: 0.1, encryptMs: 0.1, evaluateMs: 0.1 },
      ciphertext: new Uint8Array(16_424),
    };
    const topic = gatewayTopics(long, long).inference(long);
    // Fixed header of five bytes, length of the topic, packet identifier.
    const message = 5 + 2 + topic.length + 2 + encodeEnvelope(largest, privateKey).length;
    expect(message - largest.ciphertext.length).toBeLessThanOrEqual(ENVELOPE_OVERHEAD_BYTES);
  });

  it('reads any well-formed envelope back', () => {
    const envelopes = fc.record({
      session: fc.integer({ min: 1 }),
      sequence: fc.nat(),
      frameTimeMs: fc.double({ min: 0, max: 4e12, noNaN: true }),
      historical: fc.boolean(),
      ciphertext: fc.uint8Array({ minLength: 1, maxLength: 300 }),
    });
    fc.assert(
      fc.property(envelopes, (fields) => {
        const envelope = { ...sample, ...fields, frameTimeMs: fields.frameTimeMs + 0 };
        expect(decodeEnvelope(encodeEnvelope(envelope, privateKey), MAX_BYTES).envelope).toEqual(envelope);
      }),
      { numRuns: 200 },
    );
  });

  it('refuses every single flipped bit', () => {
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const changed = bytes.slice();
      changed[bit >> 3] = changed[bit >> 3]! ^ (1 << (bit & 7));
      if (!refused(changed)) expect.fail(`bit ${bit} was accepted`);
    }
  });

  it('refuses every truncation and any extension', () => {
    for (let length = 0; length < bytes.length; length++) {
      if (!refused(bytes.slice(0, length))) expect.fail(`${length} bytes were accepted`);
    }
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 64 }), (tail) =>
        refused(Buffer.concat([bytes, tail])),
      ),
    );
  });

  it('throws nothing but ENVELOPE_INVALID at arbitrary bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), (noise) => refused(noise)),
      { numRuns: 2000 },
    );
    fc.assert(
      fc.property(fc.anything(), (value) => {
        let hostile: Uint8Array;
        try {
          hostile = wire(value);
        } catch {
          return true; // not expressible in CBOR
        }
        return refused(hostile);
      }),
    );
    expect(refused(new Uint8Array(4000).fill(0x81))).toBe(true); // 4000 arrays in one another
  });

  it.each([
    ['an unknown key', { ...sample, extra: 1 }],
    ['a missing key', Object.fromEntries(Object.entries(sample).filter(([key]) => key !== 'camera'))],
    ['another schema', { ...sample, schema: 2 }],
    ['a topic in a name', { ...sample, camera: 'a/b' }],
    ['a reserved gateway name', { ...sample, gateway: 'backend' }],
    ['a negative sequence', { ...sample, sequence: -1 }],
    ['a fraction as sequence', { ...sample, sequence: 1.5 }],
    ['an empty ciphertext', { ...sample, ciphertext: new Uint8Array() }],
  ])('refuses %s', (_, payload) => {
    expect(() => decodeEnvelope(wire(payload), MAX_BYTES)).toThrow(BlindsightError);
  });

  it('accepts one wire form only: no other key order, no long integers, no indefinite lengths', () => {
    const unsorted = encode(sample, { mapSorter: () => 0 });
    expect(() => decodeEnvelope(encode([unsorted, new Uint8Array(64)]), MAX_BYTES)).toThrow('deterministic');
    const wide = encode({ ...sample, frameTimeMs: 1.5 }, { float64: true });
    expect(() => decodeEnvelope(encode([wide, new Uint8Array(64)]), MAX_BYTES)).toThrow('deterministic');
    const indefinite = Buffer.concat([Buffer.from([0x9f]), bytes.slice(1), Buffer.from([0xff])]);
    expect(() => decodeEnvelope(indefinite, MAX_BYTES)).toThrow('deterministic');
  });

  it('says both sizes when it is too large', () => {
    expect(() => decodeEnvelope(bytes, 100)).toThrow(`envelope of ${bytes.length} bytes, at most 100`);
  });

  it('refuses to sign what it would not read', () => {
    expect(() => encodeEnvelope({ ...sample, gateway: 'results' }, privateKey)).toThrow('reserved');
    expect(() => encodeEnvelope({ ...sample, readyTimeMs: Number.NaN }, privateKey)).toThrow('readyTimeMs');
  });

  it('has the SHA-256 of its wire form as digest', () => {
    expect(envelopeDigest(new TextEncoder().encode('abc'))).toBe(
      'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    );
  });
});
