import { randomBytes } from 'node:crypto';
import { setImmediate as immediate, setTimeout as realTime } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SECRETS } from '../sealing/identities.ts';
import { AUDIT_EVERYTHING, AuditedSite } from '../testing/audited-site.ts';
import { makeDecryptingSite } from '../testing/decrypting-site.ts';
import { makeTinyNetwork, type TinyNetwork } from '../testing/tiny-network.ts';
import type { DecryptAnswer } from './decrypt-task.ts';

const ANSWER: DecryptAnswer = {
  kind: 'answer',
  answers: [{ label: 'empty', probability: 0.9, probabilities: { empty: 0.9, occupied: 0.1 } }],
};
const COUNT = 40;

describe('which answers have to be opened, and when their gateway is asked', () => {
  let network: TinyNetwork;
  let key: Uint8Array;
  let ciphertexts: Uint8Array[];
  let audited: AuditedSite;
  beforeAll(async () => {
    network = await makeTinyNetwork();
    key = new Uint8Array(randomBytes(32));
    const { length } = network.answer([0, 1]);
    ciphertexts = Array.from({ length: COUNT }, () => new Uint8Array(randomBytes(length)));
  });
  afterAll(() => network.close());
  beforeEach(async () => {
    audited = new AuditedSite(await makeDecryptingSite(network), { ...AUDIT_EVERYTHING, share: 0.3 });
    const { store, vault } = audited.at.site;
    await vault.keep(store, SECRETS.auditSelectionKey, Uint8Array.from(key), 0);
  });
  afterEach(() => audited.close());

  /** Lets time pass in small steps, and everything that it wakes do its work. */
  const pass = async (ms: number) => {
    for (let passed = 0; passed < ms; passed += 100) {
      await audited.clock.advance(100);
      // Signatures are checked in threads, which nothing tells of.
      await realTime(2);
      for (let turn = 0; turn < 60; turn++) {
        await immediate();
        if (process.getActiveResourcesInfo().some((kind) => kind.startsWith('FSReq'))) turn = 0;
      }
    }
  };

  /** The same answers come within two seconds. @returns numbers of the chosen ones, and when gateways were asked after the first came */
  const play = async (outcome: DecryptAnswer, decryptMs: number) => {
    const { clock, at } = audited;
    const decryptor = {
      prepare: async () => {},
      decrypt: async () => {
        if (decryptMs > 0) await clock.sleep(decryptMs);
        return outcome;
      },
    };
    await clock.advance(1000 - (clock.now() % 1000));
    const beginMs = clock.now();
    await audited.start({ decryptor, acceptsReference: true });
    const stop = new AbortController();
    const running = [audited.processor.run(stop.signal), audited.service.run(stop.signal)];
    for (const [sequence, ciphertext] of ciphertexts.entries()) {
      const receivedMs = clock.now();
      const changes = {
        sequence,
        ciphertext,
        interpreter: 'engine',
        frameTimeMs: receivedMs - 1000,
      } as const;
      await at.put(changes, at.gateway, { receivedMs });
      audited.processor.wake();
      if (sequence % 2 === 1) await pass(100);
    }
    await pass(5000);
    const decrypted = (await at.site.store.results.latest('door', clock.now())) !== null;
    stop.abort();
    await pass(1000);
    await Promise.all(running);
    const chosen = await at.site.store.challenges.asked();
    return {
      chosen: chosen.map(({ sequence }) => sequence).sort((a, b) => a - b),
      // In whole seconds: while the program of the network is read from the real disk, simulated time goes on.
      asked: audited.askedMs.map((ms) => Math.floor((ms - beginMs) / 1000)),
      decrypted,
    };
  };

  it('does not depend on what answers decrypt to, nor on how long that takes', async () => {
    const plays = [];
    for (const [outcome, ms] of [
      [ANSWER, 0],
      [ANSWER, 400],
      [{ kind: 'withheld', reason: 'out-of-range' }, 0],
      [{ kind: 'refused' }, 400],
    ] as const) {
      plays.push(await play(outcome, ms));
      await audited.close();
      audited = new AuditedSite(await makeDecryptingSite(network), { ...AUDIT_EVERYTHING, share: 0.3 });
      const { store, vault } = audited.at.site;
      await vault.keep(store, SECRETS.auditSelectionKey, Uint8Array.from(key), 0);
    }
    const [first] = plays;
    expect(first!.chosen.length).toBeGreaterThan(2);
    expect(first!.asked.length).toBeGreaterThan(1);
    for (const other of plays) {
      expect(other.chosen).toEqual(first!.chosen);
      // A second of slack for the real disk; ten answers of 400 ms would be four.
      expect(other.asked).toHaveLength(first!.asked.length);
      for (const [i, second] of other.asked.entries())
        expect(Math.abs(second - first!.asked[i]!)).toBeLessThanOrEqual(1);
    }
    expect(plays.map(({ decrypted }) => decrypted)).toEqual([true, true, false, false]);
  }, 300_000);

  it('is durable before anything is decrypted, and once only after a crash', async () => {
    const { at } = audited;
    const crash = new Error('killed');
    const challenges = async () =>
      (await at.site.store.challenges.due(Number.MAX_SAFE_INTEGER)).map(({ sequence }) => sequence);
    const seen: number[][] = [];
    const decryptor = {
      prepare: async () => {
        seen.push(await challenges());
        throw crash;
      },
      decrypt: async () => ANSWER,
    };
    await audited.start({ decryptor });
    for (const [sequence, ciphertext] of ciphertexts.slice(0, 12).entries()) {
      await at.put({ sequence, ciphertext, interpreter: 'engine' });
      const item = await at.site.store.inbox.first();
      await expect(audited.processor.process([item!])).rejects.toBe(crash);
      await expect(audited.processor.process([item!])).rejects.toBe(crash);
      await at.site.store.inbox.remove([item!.id]);
    }
    const chosen = await challenges();
    expect(chosen.length).toBeGreaterThan(0);
    expect(new Set(chosen).size).toBe(chosen.length);
    // Whatever was chosen was so when its decryption was to begin.
    for (const sequence of chosen) expect(seen[2 * sequence]).toContain(sequence);
  });
});
