import { createHash, createSecretKey } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Envelope } from '#protocol/envelope.ts';
import { bareEnvelope } from '../testing/bare-envelope.ts';
import { enrolTestGateway, makeTestSite, type TestSite } from '../testing/test-site.ts';
import { dueTime, openSelectionKey, Selection } from './selection.ts';

const NOW = 1_800_000_000_000;
/** Always the same, so that what a test draws is, too. */
const key = createSecretKey(new Uint8Array(32).fill(7));

function envelopeOf(sequence: number, changes: Partial<Envelope> = {}): Envelope {
  const ciphertext = new Uint8Array(createHash('sha256').update(`${sequence}`).digest());
  return {
    ...bareEnvelope('yard', sequence),
    frameTimeMs: NOW - 1000,
    historical: false,
    ciphertext,
    ...changes,
  };
}

/** So seldom that none of a few is chosen. */
const SELDOM = 1e-9;

describe('the selection of answers', () => {
  let site: TestSite;
  beforeEach(async () => {
    site = await makeTestSite();
    await enrolTestGateway(site, 'gate');
  });
  afterEach(() => site.close());
  const open = (share: number, lateShare = share, by = key) =>
    new Selection({ store: site.store, key: by, share, lateShare });
  const chosenOf = async (selection: Selection, count: number, changes: Partial<Envelope> = {}) => {
    const chosen = [];
    for (let i = 0; i < count; i++) if (await selection.consider(envelopeOf(i, changes), NOW)) chosen.push(i);
    return chosen;
  };

  it('follows from key and envelope alone, and is noted once', async () => {
    const first = await chosenOf(open(0.1), 400);
    expect(first.length).toBeGreaterThan(20);
    expect(first.length).toBeLessThan(70);
    expect(await chosenOf(open(0.1), 400)).toEqual(first);
    expect(await site.store.challenges.due(Number.MAX_SAFE_INTEGER)).toHaveLength(first.length);
    expect(await chosenOf(open(0.1, 0.1, createSecretKey(new Uint8Array(32))), 400)).not.toEqual(first);
    // Sent under another number, it is another answer.
    expect(await chosenOf(open(0.1), 400, { session: 2 })).not.toEqual(first);
  });

  it('takes nothing at a share of 0 and everything at 1', async () => {
    expect(await chosenOf(open(0), 50)).toEqual([]);
    expect(await chosenOf(open(1), 50)).toHaveLength(50);
    // Networks whose answers tell much want more, where there are audits at all.
    expect(await open(0.001).consider(envelopeOf(7, { session: 9 }), NOW, 1)).toBe(true);
    expect(await open(0).consider(envelopeOf(7, { session: 9 }), NOW, 1)).toBe(false);
    // Gateways that know no audits must not be asked about what waited either.
    expect(await chosenOf(open(0, 1), 5, { historical: true })).toEqual([]);
  });

  it('takes more of what comes late, whatever it says of itself', async () => {
    expect(await chosenOf(open(SELDOM, 1), 5)).toEqual([]);
    expect(await chosenOf(open(SELDOM, 1), 5, { historical: true })).toHaveLength(5);
    // Late behind a picture of now.
    const others = [{ camera: 'yard', frameTimeMs: 0 }];
    expect(await chosenOf(open(SELDOM, 1), 5, { schema: 2, others })).toHaveLength(5);
    expect(await chosenOf(open(SELDOM, 1), 5, { session: 2, frameTimeMs: NOW - 120_000 })).toEqual([]);
    expect(await chosenOf(open(SELDOM, 1), 5, { session: 2, frameTimeMs: NOW - 120_001 })).toHaveLength(5);
  });

  it('asks at whole seconds that follow from the arrival', () => {
    expect(dueTime(NOW)).toBe(NOW + 1000);
    expect(dueTime(NOW + 499)).toBe(NOW + 1000);
    expect(dueTime(NOW + 500)).toBe(NOW + 2000);
    expect(dueTime(NOW + 1499)).toBe(NOW + 2000);
  });

  it('has a key of its own, made once and sealed', async () => {
    const first = await openSelectionKey(site.store, site.vault, 1);
    expect(first.equals(await openSelectionKey(site.store, site.vault, 2))).toBe(true);
    expect(first.symmetricKeySize).toBe(32);
  });

  it('has one key where several processes of a new site begin at once', async () => {
    const fresh = await makeTestSite('new');
    const keys = await Promise.all([1, 2, 3].map((ms) => openSelectionKey(fresh.store, fresh.vault, ms)));
    const kept = await openSelectionKey(fresh.store, fresh.vault, 4);
    expect(keys.map((one) => one.equals(kept))).toEqual([true, true, true]);
    await fresh.close();
  });

  it.each([0.02, 0.1])(
    'catches who always lies after 1 / share answers in the mean, share %f, in 200 runs',
    async (share) => {
      const selection = open(share);
      const runs: number[] = [];
      for (let run = 0; run < 200; run++) {
        let answers = 0;
        do answers += 1;
        while (!(await selection.consider(envelopeOf(answers, { session: run + 1 }), NOW)));
        runs.push(answers);
      }
      runs.sort((a, b) => a - b);
      const mean = runs.reduce((sum, value) => sum + value, 0) / runs.length;
      const at = (part: number) => runs[Math.floor(part * (runs.length - 1))]!;
      const tails = [0.05, 0.25, 0.5, 0.75, 0.95, 1].map((part) => `${100 * part} %: ${at(part)}`);
      process.stdout.write(
        `dishonest answers before the first catch, share ${share}, 200 runs: mean ${mean.toFixed(1)}, ${tails.join(', ')}\n`,
      );
      // The mean of 200 geometric numbers scatters by 7 %; four times that.
      expect(mean * share).toBeGreaterThan(0.72);
      expect(mean * share).toBeLessThan(1.28);
      // Half are caught after ln 2 / share.
      expect(at(0.5) * share).toBeGreaterThan(0.45);
      expect(at(0.5) * share).toBeLessThan(1);
    },
  );
});
