import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { mayAct, ROLES } from './roles.ts';
import { decodeSoftware, type SoftwareManifest, signSoftware, verifySoftware } from './software.ts';

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const manifest: SoftwareManifest = {
  schema: 1,
  site: 'yard',
  gateway: 'gate-1',
  version: '0.2.0',
  counter: 3,
  createdMs: 1,
  platform: 'linux-arm64',
  archive: { bytes: 1000, sha256: 'ab'.repeat(32) },
  contents: 'cd'.repeat(32),
  memoryMegabytes: 300,
};

describe('release of software', () => {
  it('survives the way over the wire, with the signature of its owner only', () => {
    const decoded = decodeSoftware(signSoftware(manifest, privateKey));
    expect(decoded.manifest).toEqual(manifest);
    expect(verifySoftware(decoded, publicKey)).toBe(true);
    expect(verifySoftware(decoded, generateKeyPairSync('ed25519').publicKey)).toBe(false);
  });

  it.each([
    [{ version: 'newest' }],
    [{ platform: 'windows' as never }],
    [{ counter: 0 }],
    [{ archive: { bytes: 2 ** 40, sha256: 'ab'.repeat(32) } }],
  ])('refuses %j', (change) => {
    expect(() => signSoftware({ ...manifest, ...change }, privateKey)).toThrow(
      expect.objectContaining({ code: 'SOFTWARE_INVALID' }),
    );
  });

  it('refuses other bytes with its own code', () => {
    const wire = signSoftware(manifest, privateKey);
    for (const bytes of [wire.subarray(1), new Uint8Array(0), new Uint8Array(5000)]) {
      expect(() => decodeSoftware(bytes)).toThrow(expect.objectContaining({ code: 'SOFTWARE_INVALID' }));
    }
  });
});

describe('roles', () => {
  it('may do what those before them may, and nothing more', () => {
    ROLES.forEach((role, rank) => {
      expect(ROLES.filter((needed) => mayAct(role, needed))).toEqual(ROLES.slice(0, rank + 1));
    });
  });
});
