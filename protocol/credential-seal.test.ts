import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openCredential, sealCredential } from './credential-seal.ts';

const place = { site: 'plaza', gateway: 'gate-1', camera: 'door' };
const keys = () => generateKeyPairSync('x25519');

describe('a sealed credential', () => {
  it('opens for its gateway and camera, whatever the text', async () => {
    const { publicKey, privateKey } = keys();
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'grapheme', maxLength: 100 }), async (text) => {
        const sealed = await sealCredential(publicKey, text, place);
        expect(sealed).toHaveLength(48 + Buffer.byteLength(text));
        expect(await openCredential(privateKey, sealed, place)).toBe(text);
      }),
      { numRuns: 50 },
    );
  });

  it('opens with no other key, for no other place, and with no byte changed or missing', async () => {
    const { publicKey, privateKey } = keys();
    const sealed = await sealCredential(publicKey, 'user:secret', place);
    const refused = { code: 'CONFIGURATION_CREDENTIAL' };
    await expect(openCredential(keys().privateKey, sealed, place)).rejects.toMatchObject(refused);
    for (const other of [{ site: 'x' }, { gateway: 'gate-2' }, { camera: 'hall' }])
      await expect(openCredential(privateKey, sealed, { ...place, ...other })).rejects.toMatchObject(refused);
    for (let at = 0; at < sealed.length; at++) {
      const changed = Uint8Array.from(sealed);
      changed[at]! ^= 1;
      await expect(openCredential(privateKey, changed, place), `byte ${at}`).rejects.toMatchObject(refused);
      await expect(openCredential(privateKey, sealed.subarray(0, at), place)).rejects.toMatchObject(refused);
    }
  });

  it('is never twice the same', async () => {
    const { publicKey } = keys();
    const [one, two] = [
      await sealCredential(publicKey, 'a:b', place),
      await sealCredential(publicKey, 'a:b', place),
    ];
    expect(one).not.toEqual(two);
  });
});
