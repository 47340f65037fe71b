import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findModel } from '../operations/models.ts';
import { keepNetwork } from '../protection/keep-network.ts';
import { SECRETS } from '../sealing/identities.ts';
import { makeTestSite, type TestSite } from '../testing/test-site.ts';
import { makeTinyNetwork } from '../testing/tiny-network.ts';
import { Decryptor } from './decryptor.ts';

describe('the decryptor', () => {
  let site: TestSite;
  let fetched: string[];
  let decryptor: Decryptor;
  beforeEach(async () => {
    site = await makeTestSite();
    fetched = [];
    const vault: Pick<typeof site.vault, 'fetch'> = {
      fetch: (store, identity) => {
        fetched.push(identity);
        return site.vault.fetch(store, identity);
      },
    };
    decryptor = new Decryptor({ ...site, vault: Object.assign(Object.create(site.vault), vault) });
  });
  afterEach(async () => {
    await decryptor.close();
    await site.close();
  });

  it.each([
    { resultRing: true, key: SECRETS.modelResultSecretKey('tiny', 1) },
    { resultRing: false, key: SECRETS.modelSecretKey('tiny', 1) },
  ])('unseals one key only; result ring: $resultRing', async ({ resultRing, key }) => {
    const network = await makeTinyNetwork({ resultRing });
    await keepNetwork(site, 'tiny', network.protectedNetwork, 1);
    const model = await findModel(site, 'tiny');
    await Promise.all([decryptor.prepare(model), decryptor.prepare(model)]);
    expect(fetched).toEqual([key]);
    expect(await decryptor.decrypt(model, network.answer([0.2, 0.9]))).toMatchObject({
      kind: 'answer',
      answers: [{ label: 'occupied', probability: 0.94 }],
    });
    await network.close();
  });

  it('does not fall back to the key of the network where that of its answers was taken away', async () => {
    const network = await makeTinyNetwork();
    await keepNetwork(site, 'tiny', { ...network.protectedNetwork, resultSecretKey: null }, 1);
    await expect(decryptor.prepare(await findModel(site, 'tiny'))).rejects.toMatchObject({
      message: /secret key was not given/,
    });
    await network.close();
  });
});
