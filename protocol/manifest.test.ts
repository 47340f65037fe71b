import { generateKeyPairSync, sign } from 'node:crypto';
import { encode } from 'cborg';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BlindsightError } from './errors.ts';
import {
  BUNDLE_PARTS,
  decodeManifest,
  type Manifest,
  manifestDigest,
  signManifest,
  verifyManifest,
} from './manifest.ts';

const { privateKey, publicKey } = generateKeyPairSync('ed25519');

const sample: Manifest = {
  schema: 1,
  site: 'north',
  gateway: 'gate-1',
  model: 'counter',
  modelVersion: 2,
  counter: 9,
  createdMs: 1_790_000_000_000,
  parts: BUNDLE_PARTS.map((name, i) => ({ name, bytes: 1000 + i, sha256: `${i}`.repeat(64) })),
  selfTest: { reference: 'cd'.repeat(32) },
};

function refused(bytes: Uint8Array): boolean {
  try {
    return !verifyManifest(decodeManifest(bytes), publicKey);
  } catch (error) {
    if (error instanceof BlindsightError && error.code === 'MANIFEST_INVALID') return true;
    throw error;
  }
}

describe('manifest', () => {
  const bytes = signManifest(sample, privateKey);

  it.each([
    ['without', sample],
    ['with', { ...sample, selfTest: { ...sample.selfTest, engine: 'ef'.repeat(32) } }],
  ])('comes back as it went %s an engine answer', (_, manifest) => {
    const decoded = decodeManifest(signManifest(manifest, privateKey));
    expect(decoded.manifest).toEqual(manifest);
    expect(verifyManifest(decoded, publicKey)).toBe(true);
    expect(verifyManifest(decoded, generateKeyPairSync('ed25519').publicKey)).toBe(false);
  });

  it('is named by the SHA-256 of all its bytes', () => {
    expect(manifestDigest(bytes)).toMatch(/^[0-9a-f]{64}$/);
    expect(manifestDigest(bytes)).toBe(manifestDigest(signManifest(sample, privateKey)));
    expect(manifestDigest(bytes)).not.toBe(
      manifestDigest(signManifest({ ...sample, counter: 10 }, privateKey)),
    );
  });

  it('refuses every flipped bit, truncation and extension', () => {
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const changed = bytes.slice();
      changed[bit >> 3] = changed[bit >> 3]! ^ (1 << (bit & 7));
      if (!refused(changed)) expect.fail(`bit ${bit} was accepted`);
    }
    for (let length = 0; length < bytes.length; length++) expect(refused(bytes.slice(0, length))).toBe(true);
    fc.assert(fc.property(fc.uint8Array({ minLength: 1 }), (tail) => refused(Buffer.concat([bytes, tail]))));
  });

  it('is not signed by a signature over the bare payload: kinds of signatures do not mix', () => {
    const { payload } = decodeManifest(bytes);
    const bare = encode([payload, new Uint8Array(sign(null, payload, privateKey))]);
    expect(verifyManifest(decodeManifest(bare), publicKey)).toBe(false);
  });

  it.each<[string, unknown]>([
    ['a missing part', { ...sample, parts: sample.parts.slice(1) }],
    ['parts out of order', { ...sample, parts: [...sample.parts].reverse() }],
    ['a part twice', { ...sample, parts: [sample.parts[0], ...sample.parts.slice(0, 4)] }],
    ['a part of zero bytes', { ...sample, parts: sample.parts.map((part) => ({ ...part, bytes: 0 })) }],
    [
      'a part beyond the cap',
      { ...sample, parts: sample.parts.map((part) => ({ ...part, bytes: 2 ** 37 })) },
    ],
    ['counter zero', { ...sample, counter: 0 }],
    ['an unknown key', { ...sample, note: 'x' }],
    ['upper-case digests', { ...sample, selfTest: { reference: 'CD'.repeat(32) } }],
  ])('refuses %s', (_, payload) => {
    expect(() => decodeManifest(encode([encode(payload), new Uint8Array(64)]))).toThrow(BlindsightError);
  });

  it('refuses more bytes than a manifest ever has', () => {
    expect(() => decodeManifest(new Uint8Array(20_000))).toThrow('20000 bytes');
  });
});
