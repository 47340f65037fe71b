import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { auditorPublicKey, decodeAuditorKey, signAuditorKey } from './auditor-key.ts';
import {
  decodeChallenge,
  decodeOpenings,
  encodeOpenings,
  signChallenge,
  verifyChallenge,
} from './challenge.ts';
import { encryptionSeed, openOpening, sealOpening } from './opening.ts';

const answer = createHash('sha256').update('an answer').digest('hex');
const other = createHash('sha256').update('another').digest('hex');
const place = { site: 'yard', gateway: 'gate', camera: 'door', frameTimeMs: 12.5, bundle: other };
const owner = generateKeyPairSync('ed25519');

describe('opening', () => {
  it('opens for its auditor and its answer only', async () => {
    const auditor = generateKeyPairSync('x25519');
    const opening = { picture: new Uint8Array(1296).fill(7), seed: new Uint8Array(randomBytes(32)) };
    const { auditor: key } = decodeAuditorKey(
      signAuditorKey(
        {
          schema: 1,
          site: 'yard',
          number: 1,
          key: new Uint8Array(Buffer.from(auditor.publicKey.export({ format: 'jwk' }).x!, 'base64url')),
        },
        owner.privateKey,
      ),
    );
    const sealed = await sealOpening(auditorPublicKey(key), opening, answer);
    expect(await openOpening(auditor.privateKey, sealed, answer)).toEqual(opening);
    const refused = { code: 'OPENING_INVALID' };
    await expect(openOpening(auditor.privateKey, sealed, other)).rejects.toMatchObject(refused);
    await expect(openOpening(generateKeyPairSync('x25519').privateKey, sealed, answer)).rejects.toMatchObject(
      refused,
    );
    for (const at of [0, 40, sealed.length - 1]) {
      const changed = Uint8Array.from(sealed);
      changed[at]! ^= 1;
      await expect(openOpening(auditor.privateKey, changed, answer)).rejects.toMatchObject(refused);
    }
    await expect(openOpening(auditor.privateKey, new Uint8Array(3), answer)).rejects.toMatchObject(refused);
  });

  it('gives another encryption for anything else that an answer could be said to be about', () => {
    const seed = new Uint8Array(32).fill(3);
    const seeds = [
      place,
      { ...place, site: 'yards' },
      { ...place, gateway: 'door', camera: 'gate' },
      { ...place, camera: 'doors' },
      { ...place, regions: ['left'] },
      { ...place, regions: [] },
      { ...place, frameTimeMs: 12 },
      { ...place, bundle: answer },
    ].map((one) => Buffer.from(encryptionSeed(seed, one)).toString('hex'));
    expect(new Set(seeds).size).toBe(seeds.length);
    expect(Buffer.from(encryptionSeed(seed, { ...place })).toString('hex')).toBe(seeds[0]);
  });
});

describe('challenge', () => {
  it('is what the owner signed', () => {
    const challenge = {
      ...({ schema: 1, site: 'yard', gateway: 'gate', id: '0'.repeat(32) } as const),
      answers: [answer, other],
      createdMs: 5,
    };
    const decoded = decodeChallenge(signChallenge(challenge, owner.privateKey));
    expect(decoded.challenge).toEqual(challenge);
    expect(verifyChallenge(decoded, owner.publicKey)).toBe(true);
    expect(verifyChallenge(decoded, generateKeyPairSync('ed25519').publicKey)).toBe(false);
    const sealed = [new Uint8Array([1, 2]), null];
    expect(decodeOpenings(encodeOpenings(sealed))).toEqual(sealed);
    expect(() => decodeOpenings(new Uint8Array([0x80, 1]))).toThrow(/no list of openings/);
  });
});
