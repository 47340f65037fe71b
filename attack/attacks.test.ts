import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ProtectedNetwork } from '#backend/protection/protect-task.ts';
import { makeTestSite } from '#backend/testing/test-site.ts';
import type { Attack, AttackOutcome } from './attack.ts';
import { ATTACKS } from './attacks/index.ts';
import { protectBundled } from './protect.ts';
import { selectionRuns } from './selection-runs.ts';
import { makeSiteUnderAttack, type SiteOptions, type SiteUnderAttack } from './site-under-attack.ts';

const NOBODY_ASKS: SiteOptions = { audit: { share: 0 } };

const protect = (zoo: string, regions = 1) => protectBundled(zoo, regions, { onProgress: () => {} });

/** Carries an attack out against a site of its own. @param size of the attack */
async function attackOnce(
  network: ProtectedNetwork,
  attack: Attack,
  size: number,
  options = NOBODY_ASKS,
): Promise<AttackOutcome & Pick<SiteUnderAttack, 'caughtAfter'>> {
  const site = await makeSiteUnderAttack(network, options);
  try {
    const policy = await site.policy();
    const outcome = await attack.run({ site, policy, size, onProgress: () => {} });
    const caughtAfter = site.caughtAfter();
    return { ...outcome, caughtAfter: () => caughtAfter };
  } finally {
    await site.close();
  }
}

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
      expect(recovered).toBe(of);
    });

    it('reads weights that he took apart or provoked', async () => {
      for (const attack of [ATTACKS.weightsAtOutput, ATTACKS.betweenLayers]) {
        const { recovered, of } = await attackOnce(tenLabels, attack, 0.15);
        expect(of, attack.name).toBeGreaterThanOrEqual(8);
        expect(recovered / of, attack.name).toBeGreaterThan(0.8);
      }
    });

    it('has answers published that no network gave', async () => {
      for (const attack of [ATTACKS.forgedLogits, ATTACKS.keyAtInput, ATTACKS.replay]) {
        const { recovered, of } = await attackOnce(twoLabels, attack, 0.2);
        expect(recovered, attack.name).toBe(of);
      }
    });
  });

  it('gets no answer for times that an outbox does not hold, and none beyond the rate of its camera', async () => {
    const dates = await attackOnce(twoLabels, ATTACKS.dates, 1);
    // A day and a half back is what an outbox may hold, and denser audits are for.
    expect(dates.recovered).toBeLessThanOrEqual(1);
    const burst = await attackOnce(twoLabels, ATTACKS.burst, 0.5);
    expect(burst).toMatchObject({ recovered: 68, of: 80 });
  });

  describe('who is asked to open answers', () => {
    it.each([
      ['keyRecovery', 'another-opening'],
      ['keyRecovery', 'silent'],
      ['forgedLogits', 'garbage'],
      ['replay', 'another-opening'],
    ] as const)('is in quarantine soon: %s, %s', async (name, excuse) => {
      // Denser than by default, so that the test is short; the default is a tenth of that.
      const audit = { share: 0.2 };
      const attack = ATTACKS[name];
      const site = await makeSiteUnderAttack(twoLabels, { audit, excuse });
      try {
        const policy = await site.policy();
        let published = 0;
        for (let i = 0; i < 60 && site.caughtAfter() === null; i++) {
          const run = { site, policy, size: 1 / 32, onProgress: () => {} };
          published += (await attack.run(run)).answersUsed;
        }
        expect(site.caughtAfter(), `after ${published} answers`).not.toBeNull();
        const before = (await site.site.store.counters.all()).accepted;
        await attack.run({ site, policy, size: 1 / 32, onProgress: () => {} });
        expect((await site.site.store.counters.all()).accepted).toBe(before);
      } finally {
        await site.close();
      }
    });
  });
});

describe('selectionRuns', () => {
  let site: Awaited<ReturnType<typeof makeTestSite>>;
  beforeAll(async () => {
    site = await makeTestSite();
  });
  afterAll(() => site.close());

  it('chooses the first dishonest answer after 1/share in the mean, with the tail of a geometric distribution', async () => {
    const { mean, median, late } = await selectionRuns(site, 0.05, 400);
    // Five standard errors of the mean of 400 runs are a quarter of it.
    expect(mean).toBeGreaterThan(15);
    expect(mean).toBeLessThan(25);
    expect(median).toBeLessThan(mean);
    expect(late).toBeGreaterThan(2 * mean);
  });
});
