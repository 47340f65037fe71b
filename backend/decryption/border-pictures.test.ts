import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeProgram, verifyProgram } from '#fhe';
import { createDecryptor } from '#fhe/secret';
import { findModel } from '../operations/models.ts';
import { keepNetwork } from '../protection/keep-network.ts';
import { makeTestSite, type TestSite } from '../testing/test-site.ts';
import { makeTinyNetwork, type TinyNetwork } from '../testing/tiny-network.ts';
import { Decryptor } from './decryptor.ts';

const FIRST = { model: 'tiny', version: 1, number: 1 };
const ANSWERS = 200;

/**
 * The attack of Li and Micciancio on honest evaluations: of a picture at the border of two labels the label would be the sign of the ciphertext's own noise, which
 * is a linear function of the secret key that the attacker knows.
 */
describe('honest answers about pictures at the border of two labels', () => {
  let site: TestSite;
  let network: TinyNetwork;
  let decryptor: Decryptor;
  beforeAll(async () => {
    site = await makeTestSite();
    network = await makeTinyNetwork();
    decryptor = new Decryptor(site);
  });
  afterAll(async () => {
    await decryptor.close();
    await network.close();
    await site.close();
  });

  it('say nothing of the noise of encryption, and with it of the key', async () => {
    const { protectedNetwork } = network;
    const program = protectedNetwork.parts.find(({ name }) => name === 'program')!.bytes;
    const owner = await createDecryptor(verifyProgram(decodeProgram(program)), {
      secretKey: Uint8Array.from(protectedNetwork.secretKey),
      resultSecretKey: Uint8Array.from(protectedNetwork.resultSecretKey!),
    });
    const { expected, labels } = protectedNetwork.interpretation;
    const slotsOf = (label: number) => [...expected.keys()].filter((slot) => expected[slot] === label);
    await keepNetwork(site, 'tiny', protectedNetwork, 1);
    const model = await findModel(site, 'tiny');
    await decryptor.prepare(model, FIRST);
    let revealed = 0;
    for (let i = 0; i < ANSWERS; i++) {
      const ciphertext = network.answer([0.5, 0.5]);
      const slots = owner.decrypt(ciphertext);
      const mean = (label: number) => slotsOf(label).reduce((sum, slot) => sum + slots[slot]!, 0);
      const exact = labels[mean(0) > mean(1) ? 0 : 1];
      const answer = await decryptor.decrypt(model, FIRST, ciphertext);
      if (answer.kind !== 'answer') throw new Error(answer.kind);
      if (answer.answers[0]!.label === exact) revealed += 1;
    }
    owner.close();
    // All of them without the noise that is added; by chance half, give or take 7.
    expect(Math.abs(revealed - ANSWERS / 2)).toBeLessThan(5 * (Math.sqrt(ANSWERS) / 2));
  });
});
