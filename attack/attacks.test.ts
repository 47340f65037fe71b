import { randomBytes } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import type { ProtectedNetwork } from '#backend/protection/protect-task.ts';
import { ProtectingThread } from '#backend/protection/protecting-thread.ts';
import type { Attack, AttackOutcome } from './attack.ts';
import { ATTACKS } from './attacks/index.ts';
import { honestAnswer } from './honest-answer.ts';
import { selectionRuns } from './selection-runs.ts';
import { makeSiteUnderAttack, type SiteOptions } from './site-under-attack.ts';
import { FALSE_ALARM, timeOutcomes } from './time-outcomes.ts';

const NOBODY_ASKS: SiteOptions = { audit: { share: 0 } };

/** As `blindsight model protect` does, but for the half of its self-test that SEAL computes, which takes as long as all the rest. */
async function protect(zoo: string, regions = 1): Promise<ProtectedNetwork> {
  const thread = new ProtectingThread();
  try {
    await thread.read({ name: zoo, source: { zoo }, regions });
    return await thread.protect(randomBytes(32), 'engine');
  } finally {
    await thread.close();
  }
}

/** Carries attacks out one after the other against one site. @param size of each */
async function attackInTurn(
  network: ProtectedNetwork,
  attacks: readonly Attack[],
  size: number,
  options = NOBODY_ASKS,
): Promise<Map<string, AttackOutcome>> {
  const site = await makeSiteUnderAttack(network, options);
  const outcomes = new Map<string, AttackOutcome>();
  try {
    const policy = await site.policy();
    for (const attack of attacks)
      outcomes.set(attack.name, await attack.run({ site, policy, size, onProgress: () => {} }));
    return outcomes;
  } finally {
    await site.close();
  }
}

/** Carries an attack out against a site of its own. */
const attackOnce = async (network: ProtectedNetwork, attack: Attack, size: number, options = NOBODY_ASKS) =>
  (await attackInTurn(network, [attack], size, options)).get(attack.name)!;

describe('a lying gateway whose master reads what is published', { timeout: 600_000 }, () => {
  let tenLabels: ProtectedNetwork;
  let twoLabels: ProtectedNetwork;
  let fourRegions: ProtectedNetwork;
  beforeAll(async () => {
    [tenLabels, twoLabels] = await Promise.all([protect('e2dm'), protect('counter')]);
    fourRegions = await protect('carpark', 4);
  }, 600_000);

  describe('whom nobody asks to open answers', () => {
    it.each([
      ['ten labels', () => tenLabels, 1 / 256],
      ['two labels', () => twoLabels, 1 / 512],
      ['two labels of four regions', () => fourRegions, 1 / 512],
    ] as const)('reads the secret key off answers of %s', async (_, network, size) => {
      const { recovered, of } = await attackOnce(network(), ATTACKS.keyRecovery, size);
      expect(of).toBe(8192 * size);
      // He stops guessing when he is nearly sure: one in a few thousand is wrong.
      expect(recovered).toBeGreaterThanOrEqual(of - 1);
    });

    it('reads weights that he took apart or provoked', async () => {
      const { weightsAtOutput, betweenLayers } = ATTACKS;
      const outcomes = await attackInTurn(tenLabels, [weightsAtOutput, betweenLayers], 0.15);
      for (const [name, { recovered, of }] of outcomes) {
        expect(of, name).toBeGreaterThanOrEqual(8);
        expect(recovered / of, name).toBeGreaterThan(0.8);
      }
    });

    it('has answers published that no network gave', async () => {
      const { forgedLogits, keyAtInput, replay } = ATTACKS;
      for (const [name, { recovered, of }] of await attackInTurn(
        twoLabels,
        [forgedLogits, keyAtInput, replay],
        0.2,
      ))
        expect(recovered, name).toBe(of);
    });
  });

  it('has honest answers published of what they are not about, where nobody asks, but none a second time about one moment', async () => {
    const { anotherCamera, anotherRegion, anotherBundle } = ATTACKS;
    for (const [name, { recovered, of }] of await attackInTurn(
      twoLabels,
      [anotherCamera, anotherRegion, anotherBundle],
      0.1,
    ))
      expect(recovered, name).toBe(of);
    const { recovered, of } = await attackOnce(twoLabels, ATTACKS.renumbering, 0.3, {});
    expect([recovered, of]).toEqual([0, 3]);
  });

  it('learns nothing from the times at which receipts and challenges come', async () => {
    const { comparisons } = await timeOutcomes(twoLabels, { blocks: 60 });
    expect(comparisons).toHaveLength(4);
    for (const { messages, between, probability } of comparisons)
      expect(probability, `${messages}, ${between}`).toBeGreaterThan(FALSE_ALARM);
  });

  it('gets no answer for times that an outbox does not hold, and none beyond the rate of its camera', async () => {
    const dates = await attackOnce(twoLabels, ATTACKS.dates, 1);
    // A day and a half back is what an outbox may hold, and denser audits are for.
    expect(dates.recovered).toBeLessThanOrEqual(1);
    const burst = await attackOnce(twoLabels, ATTACKS.burst, 0.5);
    expect(burst).toMatchObject({ recovered: 68, of: 80 });
  });

  describe('who is asked to open answers', () => {
    // Of what ends by itself when the gateway is caught, as much as that takes.
    it.each([
      ['keyRecovery', 'another-opening', 1 / 32],
      ['keyRecovery', 'silent', 1 / 32],
      ['keyRecovery', 'restart', 1 / 32],
      ['forgedLogits', 'garbage', 1],
      ['seldomLies', 'another-opening', 10],
      ['replay', 'another-opening', 1],
      ['anotherCamera', 'another-opening', 10],
      ['anotherRegion', 'another-opening', 10],
      ['anotherBundle', 'another-opening', 10],
    ] as const)('is in quarantine soon: %s, %s', async (name, excuse, size) => {
      // Denser than by default, so that the test is short; the default is a twenty-fifth of that.
      const audit = { share: 0.5 };
      const attack = ATTACKS[name];
      const site = await makeSiteUnderAttack(twoLabels, { audit, excuse });
      try {
        const policy = await site.policy();
        let published = 0;
        for (let i = 0; i < 60 && site.caughtAfter() === null; i++)
          published += (await attack.run({ site, policy, size, onProgress: () => {} })).answersUsed;
        expect(site.caughtAfter(), `after ${published} answers`).not.toBeNull();
        const before = (await site.site.store.counters.all()).accepted;
        expect(await site.send({ ciphertext: await honestAnswer(site) })).toBeNull();
        expect((await site.site.store.counters.all()).accepted).toBe(before);
      } finally {
        await site.close();
      }
    });
  });
});

describe('selectionRuns', () => {
  it.each([1, 0.1])(
    'chooses the first lie after 1 / (share · lying) answers in the mean, with the tail of a geometric distribution: lying %f',
    async (lying) => {
      const share = 0.05;
      const { mean, median, late } = await selectionRuns({ share, lying, runs: 400 });
      // Five standard errors of the mean of 400 runs are a quarter of it.
      expect(mean * share * lying).toBeGreaterThan(0.75);
      expect(mean * share * lying).toBeLessThan(1.25);
      expect(median).toBeLessThan(mean);
      expect(late).toBeGreaterThan(2 * mean);
    },
  );
});
