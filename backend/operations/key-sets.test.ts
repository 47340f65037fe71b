import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { createEngineInterpreter, decodeProgram, verifyProgram } from '#fhe';
import { createDecryptor } from '#fhe/secret';
import { writeOnnx } from '#network/model/onnx/onnx.ts';
import { decodeManifest } from '#protocol/manifest.ts';
import { SimulatedClock } from '#runtime/simulated-clock.ts';
import { Decryptor } from '../decryption/decryptor.ts';
import { keepNetwork } from '../protection/keep-network.ts';
import { createProtector } from '../protection/protect-network.ts';
import type { ProtectedNetwork } from '../protection/protect-task.ts';
import { clearKeySets } from '../rollout/clear-key-sets.ts';
import { SECRETS } from '../sealing/identities.ts';
import type { ModelRecord } from '../store/models.ts';
import type { KeySetRecord } from '../store/protections.ts';
import { makeSmallGraph } from '../testing/small-network.ts';
import { enrolTestGateway, keepTestModel, makeTestSite, type TestSite } from '../testing/test-site.ts';
import { deployModel, deployToGateways, repeatDeployments } from './deploy-model.ts';
import { findModel } from './models.ts';
import { removeGateway } from './remove-gateway.ts';
import { reprotectGateway } from './reprotect-gateway.ts';

const DESCRIPTION = { labels: ['empty', 'occupied'], activationRanges: [3, 6], logitRange: 8 };
const HOUR_MS = 3_600_000;
const MINUTES = 600_000;

describe('key sets', () => {
  let small: ProtectedNetwork;
  let site: TestSite;
  beforeAll(async () => {
    const graph = makeSmallGraph(1);
    const network = { graph, onnx: writeOnnx(graph), metadata: DESCRIPTION };
    small = await createProtector('small', network)({ interpreters: 'engine' });
  });
  beforeEach(async () => {
    site = await makeTestSite();
    for (const name of ['a', 'b', 'c']) await enrolTestGateway(site, name, name);
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    await site.close();
  });

  /** One protected network for all: keeping it wipes what it is given. */
  const protect = () => keepNetwork(site, 'small', structuredClone(small), 0, new Uint8Array(32).fill(1));
  const keySets = () => site.store.protections.of('small', 1);
  const owners = async () => (await keySets()).map(({ gateway }) => gateway);
  const part = (keySet: KeySetRecord, name: string) => keySet.parts.find((one) => one.name === name)!;
  const read = (keySet: KeySetRecord, name: string) => site.blobs.get(part(keySet, name).sha256);
  /** No key without its record. */
  const expectNoOrphans = async () => {
    const known = (await keySets()).flatMap((one) => [
      SECRETS.keySetSecretKey(one),
      SECRETS.keySetResultSecretKey(one),
    ]);
    const keys = (await site.store.secrets.identities()).filter((one) => one.endsWith('secret-key'));
    for (const identity of keys) expect(known).toContain(identity);
  };

  async function answerUnder(keySet: KeySetRecord): Promise<Uint8Array> {
    const program = verifyProgram(decodeProgram(await read(keySet, 'program')));
    const interpreter = await createEngineInterpreter(
      {
        program,
        constants: await read(keySet, 'constants'),
        publicKey: await read(keySet, 'public-key'),
        evaluationKeys: await read(keySet, 'evaluation-keys'),
      },
      { threads: 1 },
    );
    try {
      return interpreter.run(new Float32Array(81).fill(0.5)).ciphertext;
    } finally {
      await interpreter.close();
    }
  }

  async function expectOpensOnlyItsOwn(model: ModelRecord, all: readonly KeySetRecord[]): Promise<void> {
    const decryptor = new Decryptor(site);
    for (const made of all) {
      const answer = await answerUnder(made);
      for (const under of all) {
        const { kind } = await decryptor.decrypt(model, under, answer);
        expect(kind, `${made.number} under ${under.number}`).toBe(made === under ? 'answer' : 'withheld');
      }
    }
    await decryptor.close();
  }

  it(
    'are one of each gateway, have nothing but the program in common, and open nothing of each other',
    async () => {
      await protect();
      expect(await owners()).toEqual([null]);
      const steps: number[] = [];
      const releases = await deployToGateways({
        ...{ site, model: 'small', gateways: ['a', 'b', 'c'], threads: 2 },
        onProgress: (_, share) => steps.push(share),
      });
      const all = await keySets();
      // The keys that the network came with, and only two more.
      expect(all.map(({ gateway }) => gateway).sort()).toEqual(['a', 'b', 'c']);
      expect(all[0]).toMatchObject({ number: 1, gateway: 'a' });
      expect(Math.max(...steps)).toBeLessThanOrEqual(1);
      for (const release of releases) {
        const own = all.find(({ gateway }) => gateway === release.gateway)!;
        expect(release.protection).toBe(own.number);
        expect(decodeManifest(release.manifest).manifest).toMatchObject({
          parts: own.parts,
          selfTest: own.selfTest,
        });
      }
      const digests = (name: string) => new Set(all.map((one) => part(one, name).sha256)).size;
      expect(digests('program')).toBe(1);
      for (const name of ['public-key', 'constants', 'evaluation-keys', 'self-test'])
        expect(digests(name), name).toBe(3);
      expect(new Set(all.map(({ selfTest }) => selfTest.engine)).size).toBe(3);
      const model = await findModel(site, 'small');
      await expectOpensOnlyItsOwn(model, all);
      // The key of the weights of one, on a weight of its own and on the same one of another.
      const { parameters } = verifyProgram(decodeProgram(await read(all[0]!, 'program')));
      const secrets = await Promise.all(
        all.map((one) => site.vault.fetch(site.store, SECRETS.keySetSecretKey(one))),
      );
      for (const one of [0, 1])
        for (const other of [1, 2]) if (one !== other) expect(secrets[one]).not.toEqual(secrets[other]);
      const answer = await answerUnder(all[1]!);
      const owner = await createDecryptor(parameters, { secretKey: secrets[0]! });
      expect(() => owner.decrypt(answer)).toThrow();
      owner.close();
      // Once more: nothing is made, and each keeps its own.
      const again = await deployToGateways({ site, model: 'small', gateways: ['c', 'b', 'a'] });
      expect(again.map(({ protection }) => protection)).toEqual(
        releases.map(({ protection }) => protection).reverse(),
      );
      expect(await keySets()).toHaveLength(3);
      expect(await repeatDeployments({ site })).toEqual([]);
      expect((await site.store.deployments.current()).map(({ protection }) => protection)).toEqual(
        releases.map(({ protection }) => protection),
      );
      await expectNoOrphans();
    },
    MINUTES,
  );

  it(
    'are shared where the owner says so, and what is shared is never one gateway’s',
    async () => {
      await protect();
      await deployToGateways({ site, model: 'small', gateways: ['a', 'b'], keys: 'common' });
      expect(await keySets()).toMatchObject([{ number: 1, isShared: true, gateway: null }]);
      // Who has shared ones keeps them; who is new gets its own.
      expect((await deployModel({ site, model: 'small', gateway: 'a' })).protection).toBe(1);
      expect((await deployModel({ site, model: 'small', gateway: 'c' })).protection).toBe(2);
      expect(await owners()).toEqual([null, 'c']);
    },
    MINUTES,
  );

  it('of a large bundle are made for each gateway only where somebody says so', async () => {
    await keepTestModel(site, 'large');
    const model = (await site.store.models.get('large'))!;
    const parts = model.parts.map((one) => ({ ...one, bytes: 20_000_000 }));
    await site.store.models.add({ ...model, version: 2, parts });
    const release = { site, model: 'large', gateway: 'a' };
    await expect(deployModel(release)).rejects.toMatchObject({ code: 'KEYS_UNDECIDED' });
    expect((await deployModel({ ...release, keys: 'per-gateway' })).protection).toBe(1);
    expect((await deployModel(release)).protection).toBe(1);
    // Its network is no network.
    await expect(deployModel({ ...release, gateway: 'b', keys: 'per-gateway' })).rejects.toMatchObject({
      code: 'KEY_SET_SOURCE',
    });
  });

  it(
    'that were complete when it was stopped are kept, and nothing of the others',
    async () => {
      await protect();
      const stop = new AbortController();
      const reason = new Error('enough');
      const stopped = deployToGateways({
        ...{ site, model: 'small', gateways: ['a', 'b', 'c'], threads: 1, signal: stop.signal },
        onProgress: (step) => step.startsWith('2 of 2') && step.includes('self-test') && stop.abort(reason),
      });
      await expect(stopped).rejects.toBe(reason);
      expect(await owners()).toEqual(['a', 'b']);
      expect(await site.store.deployments.list()).toEqual([]);
      await expectNoOrphans();
      await deployToGateways({ site, model: 'small', gateways: ['a', 'b', 'c'] });
      expect(await owners()).toEqual(['a', 'b', 'c']);
    },
    MINUTES,
  );

  it(
    'leave no key where the process ends while they are stored',
    async () => {
      await protect();
      await deployModel({ site, model: 'small', gateway: 'a' });
      for (const table of ['secrets', 'protections', 'journal'] as const) {
        const { add } = site.store[table].constructor.prototype as {
          add: (...given: never[]) => Promise<void>;
        };
        let calls = 0;
        vi.spyOn(site.store[table].constructor.prototype, 'add').mockImplementation(async function (
          this: unknown,
          ...given
        ) {
          calls += 1;
          // Of several secrets, the last.
          if (calls === (table === 'secrets' ? 2 : 1)) throw new Error('power cut');
          return add.apply(this as never, given as never);
        });
        await expect(deployModel({ site, model: 'small', gateway: 'b' }), table).rejects.toThrow('power cut');
        vi.restoreAllMocks();
        expect(await owners(), table).toEqual(['a']);
        await expectNoOrphans();
      }
      await deployModel({ site, model: 'small', gateway: 'b' });
      expect(await owners()).toEqual(['a', 'b']);
    },
    MINUTES,
  );

  it(
    'of a gateway are replaced in one step, and those before are refused after a time of grace',
    async () => {
      const clock = new SimulatedClock(Date.now());
      await protect();
      await expect(reprotectGateway({ site, gateway: 'a', reason: 'leaked', clock })).rejects.toMatchObject({
        code: 'REKEY_NOTHING',
      });
      await deployToGateways({ site, model: 'small', gateways: ['a', 'b'], clock });
      const [first] = await keySets();
      const release = await reprotectGateway({
        site,
        gateway: 'a',
        reason: 'leaked',
        graceMs: HOUR_MS,
        clock,
      });
      expect(release).toMatchObject({ gateway: 'a', model: 'small', counter: 2 });
      const now = clock.now();
      const retirement = { sinceMs: now, refusedFromMs: now + HOUR_MS, reason: 'leaked', clearedMs: null };
      const after = await keySets();
      expect(after.map(({ gateway, retirement: ends }) => [gateway, ends])).toEqual([
        ['a', retirement],
        ['b', null],
        ['a', null],
      ]);
      expect(release.protection).toBe(after[2]!.number);
      expect((await site.store.journal.latest(3)).map(({ code }) => code)).toContain('GATEWAY_REKEYED');
      expect((await deployModel({ site, model: 'small', gateway: 'a', clock })).protection).toBe(
        release.protection,
      );
      // Its files go once nobody may be answered under it; its secret key and the common program stay.
      expect(await clearKeySets(site, now)).toMatchObject({ keySets: 0, files: 0 });
      expect(await clearKeySets(site, now + HOUR_MS)).toMatchObject({ keySets: 1, files: 0 });
      expect(await clearKeySets(site, now + 48 * HOUR_MS)).toMatchObject({ keySets: 0, files: 4 });
      await expect(read(first!, 'constants')).rejects.toMatchObject({ code: 'BUNDLE_DAMAGED' });
      expect((await read(first!, 'program')).length).toBeGreaterThan(0);
      expect((await site.vault.fetch(site.store, SECRETS.keySetSecretKey(first!))).length).toBeGreaterThan(0);
      for (const one of after.slice(1)) expect((await read(one, 'constants')).length).toBeGreaterThan(0);
      await removeGateway(site, 'b', clock);
      expect((await keySets())[1]?.retirement).toMatchObject({ refusedFromMs: clock.now() });
    },
    MINUTES,
  );
});
