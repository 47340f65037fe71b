import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { keyBytes } from '#fhe/secret';
import { TaskThread } from '#runtime/threads/task-thread.ts';
import { findModel } from '../operations/models.ts';
import { keepNetwork } from '../protection/keep-network.ts';
import type { ProtectedNetwork } from '../protection/protect-task.ts';
import { SECRETS } from '../sealing/identities.ts';
import type { KeySetId } from '../store/protections.ts';
import { makeTestSite, type TestSite } from '../testing/test-site.ts';
import { makeTinyNetwork, type TinyNetwork } from '../testing/tiny-network.ts';
import type { DecryptTask } from './decrypt-task.ts';
import { Decryptor } from './decryptor.ts';

/** Of a key of the tiny network. */
const SMALL_BYTES = keyBytes(2048, 2);
const FIRST = { model: 'tiny', version: 1, number: 1 };

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
    await Promise.all([decryptor.prepare(model, FIRST), decryptor.prepare(model, FIRST)]);
    expect(fetched).toEqual([key]);
    expect(await decryptor.decrypt(model, FIRST, network.answer([0.2, 0.9]))).toMatchObject({
      kind: 'answer',
      answers: [{ label: 'occupied', probability: 0.95 }],
    });
    await network.close();
  });

  it('does not fall back to the key of the network where that of its answers was taken away', async () => {
    const network = await makeTinyNetwork();
    await keepNetwork(site, 'tiny', { ...network.protectedNetwork, resultSecretKey: null }, 1);
    await expect(decryptor.prepare(await findModel(site, 'tiny'), FIRST)).rejects.toMatchObject({
      message: /secret key was not given/,
    });
    await network.close();
  });

  it('holds keys up to a number of bytes: fewer of a larger ring', async () => {
    const opened: string[] = [];
    const run = TaskThread.prototype.run;
    vi.spyOn(TaskThread.prototype, 'run').mockImplementation(function (this: TaskThread, task, options) {
      opened.push((task as DecryptTask).kind);
      return run.call(this, task, options) as never;
    });
    const small = new Decryptor(site, { maxBytes: 2 * SMALL_BYTES, threads: 1 });
    const network = await makeTinyNetwork({ resultRing: false });
    // What is kept is wiped.
    const secretKey = network.protectedNetwork.secretKey.slice();
    await keepNetwork(site, 'tiny', network.protectedNetwork, 1);
    const model = await findModel(site, 'tiny');
    const second = await addKeySet({ ...network.protectedNetwork, secretKey });
    for (const keySet of [FIRST, second, FIRST]) await small.prepare(model, keySet);
    expect(opened).toEqual(['open', 'close', 'open', 'close', 'open']);
    vi.restoreAllMocks();
    await small.close();
    await network.close();
  });

  it('holds a bounded number of keys, and opens one again that made room for others', async () => {
    const networks: TinyNetwork[] = [];
    for (let i = 0; i < 5; i++) networks.push(await makeTinyNetwork());
    await keepNetwork(site, 'tiny', networks[0]!.protectedNetwork, 1);
    const model = await findModel(site, 'tiny');
    const keySets = [FIRST];
    for (const { protectedNetwork } of networks.slice(1)) keySets.push(await addKeySet(protectedNetwork));
    const thread = TaskThread.prototype.run;
    const tasks: string[] = [];
    vi.spyOn(TaskThread.prototype, 'run').mockImplementation(function (this: TaskThread, task, options) {
      const told = task as DecryptTask;
      if (told.kind !== 'decrypt') tasks.push(`${told.kind} ${told.keySet.split('/')[2]?.split(' ')[0]}`);
      return thread.call(this, task, options) as never;
    });
    const small = new Decryptor(site, { maxBytes: 2 * SMALL_BYTES, threads: 1 });
    const decrypt = (at: number, of = at) =>
      small.decrypt(model, keySets[at]!, networks[of]!.answer([0.2, 0.9]));
    const right = { kind: 'answer', answers: [{ label: 'occupied' }] };
    for (const at of [0, 1, 2, 1, 3, 1]) expect(await decrypt(at)).toMatchObject(right);
    // The second was used again and again, so it stayed.
    expect(tasks).toEqual(['open 1', 'open 2', 'close 1', 'open 3', 'close 3', 'open 4']);
    // All at once, more than there is room for: each under its own key.
    const all = await Promise.all([0, 1, 2, 3, 4, 0, 1, 2, 3, 4].map((at) => decrypt(at)));
    for (const answer of all) expect(answer).toMatchObject(right);
    // What is noise under another key does not pass for an answer.
    for (let at = 1; at < 5; at++) expect(await decrypt(at, at - 1)).toMatchObject({ kind: 'withheld' });
    vi.restoreAllMocks();
    await small.close();
    for (const network of networks) await network.close();
  });

  /** Further keys for the tiny network. */
  async function addKeySet({ resultSecretKey, secretKey }: ProtectedNetwork): Promise<KeySetId> {
    const { store, vault } = site;
    const id = { ...FIRST, number: await store.protections.nextNumber('tiny', 1) };
    await store.protections.add({ ...id, createdMs: 1, gateway: null, parts: [], selfTest: {} });
    if (resultSecretKey === null) await vault.keep(store, SECRETS.keySetSecretKey(id), secretKey, 1);
    else await vault.keep(store, SECRETS.keySetResultSecretKey(id), resultSecretKey, 1);
    return id;
  }
});
