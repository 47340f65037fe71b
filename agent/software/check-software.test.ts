import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { BlindsightError } from '#protocol/errors.ts';
import { type SoftwareManifest, signSoftware, softwareDigest } from '#protocol/software.ts';
import { checkSoftware } from './check-software.ts';

const owner = generateKeyPairSync('ed25519');
const second = generateKeyPairSync('ed25519');
const manifest: SoftwareManifest = {
  schema: 1,
  site: 'town',
  gateway: 'gate-1',
  version: '1.1.0',
  counter: 5,
  createdMs: 1,
  platform: 'linux-arm64',
  archive: { bytes: 1, sha256: 'ab'.repeat(32) },
  contents: 'cd'.repeat(32),
  memoryMegabytes: 300,
};
const context = {
  ownerKeys: () => [owner.publicKey, second.publicKey],
  site: 'town',
  gateway: 'gate-1',
  platform: 'linux-arm64',
  freeMemory: () => 300 * 2 ** 20,
};
const state = { counter: 4, counterOf: null, active: null };
const signed = (change: Partial<SoftwareManifest> = {}, { privateKey } = owner) =>
  signSoftware({ ...manifest, ...change }, privateKey);

describe('the gate of releases', () => {
  it('takes what any of the owner keys signed for this machine', () => {
    expect(checkSoftware(signed(), state, context).manifest).toEqual(manifest);
    expect(checkSoftware(signed({}, second), state, context).manifest).toEqual(manifest);
  });

  it.each([
    ['SOFTWARE_SIGNATURE', signed({}, generateKeyPairSync('ed25519'))],
    ['SOFTWARE_TARGET', signed({ site: 'village' })],
    ['SOFTWARE_TARGET', signed({ gateway: 'gate-2' })],
    ['SOFTWARE_PLATFORM', signed({ platform: 'linux-x64' })],
    ['SOFTWARE_COUNTER', signed({ counter: 4 })],
    ['SOFTWARE_MEMORY', signed({ memoryMegabytes: 301 })],
    ['SOFTWARE_INVALID', signed().subarray(1)],
  ])('refuses with %s', (code, wire) => {
    expect(() => checkSoftware(Uint8Array.from(wire), state, context)).toThrow(
      expect.objectContaining({ code }),
    );
  });

  it('asks whether what is new is fresh, and not of the newest that it knows', () => {
    const asked: unknown[] = [];
    const strict = {
      ...context,
      admit: (newcomer: unknown) => {
        asked.push(newcomer);
        throw new BlindsightError('TRUST_STALE', 'x');
      },
    };
    expect(() => checkSoftware(signed({ expiresMs: 9 }), state, strict)).toThrow(
      expect.objectContaining({ code: 'TRUST_STALE' }),
    );
    expect(asked).toEqual([{ kind: 'software', counter: 5, expiresMs: 9 }]);
    const known = { counter: 5, counterOf: softwareDigest(signed()), active: null };
    expect(checkSoftware(signed(), known, strict).manifest).toEqual(manifest);
  });

  it('takes the newest again, and none before it', () => {
    const digest = softwareDigest(signed());
    const now = { counter: 5, counterOf: digest, active: null };
    expect(checkSoftware(signed(), now, context).digest).toBe(digest);
    expect(() => checkSoftware(signed({ createdMs: 2 }), now, context)).toThrow(
      expect.objectContaining({ code: 'SOFTWARE_COUNTER' }),
    );
  });
});
