import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  type Configuration,
  decodeConfiguration,
  SETTINGS_MAX_BYTES,
  signConfiguration,
  verifyConfiguration,
} from './configuration.ts';
import { BlindsightError } from './errors.ts';

const { privateKey, publicKey } = generateKeyPairSync('ed25519');

const sample: Configuration = {
  schema: 1,
  site: 'north',
  gateway: 'gate-1',
  version: 3,
  createdMs: 1_790_000_000_000,
  settings: 'cameras: []\n',
  credentials: [{ camera: 'door', sealed: new Uint8Array(64) }],
};

function refused(bytes: Uint8Array): boolean {
  try {
    return !verifyConfiguration(decodeConfiguration(bytes), publicKey);
  } catch (error) {
    if (error instanceof BlindsightError && error.code === 'CONFIGURATION_INVALID') return true;
    throw error;
  }
}

describe('a pushed configuration', () => {
  const bytes = signConfiguration(sample, privateKey);

  it('comes back as it went, and only under the key that signed it', () => {
    const decoded = decodeConfiguration(bytes);
    expect(decoded.configuration).toEqual(sample);
    expect(verifyConfiguration(decoded, publicKey)).toBe(true);
    expect(verifyConfiguration(decoded, generateKeyPairSync('ed25519').publicKey)).toBe(false);
  });

  it('refuses every flipped bit and every truncation', () => {
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const changed = Uint8Array.from(bytes);
      changed[bit >> 3]! ^= 1 << (bit & 7);
      expect(refused(changed), `bit ${bit}`).toBe(true);
    }
    for (let length = 0; length < bytes.length; length++)
      expect(refused(bytes.subarray(0, length)), `length ${length}`).toBe(true);
  });

  it.each([
    ['version 0', { version: 0 }],
    ['settings that are too long', { settings: 'é'.repeat(SETTINGS_MAX_BYTES / 2 + 1) }],
    ['two credentials for one camera', { credentials: [...sample.credentials, ...sample.credentials] }],
    ['a gateway that cannot be', { gateway: 'results' }],
  ])('does not sign %s', (_, change) => {
    expect(() => signConfiguration({ ...sample, ...change }, privateKey)).toThrow(
      expect.objectContaining({ code: 'CONFIGURATION_INVALID' }),
    );
  });
});
