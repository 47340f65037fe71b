import { describe, expect, it } from 'vitest';
import { SimulatedClock } from '#runtime/simulated-clock.ts';
import { type Condition, conditionBefore, passHealthGate } from './health-gate.ts';

const LIMIT_MS = 300_000;
const well: Condition = { streaming: ['front', 'back'], wanted: ['front', 'back'], answers: 7 };

/** Runs the gate while `change` happens after a minute. @returns what was lacking, and after which time that was known */
async function passed(
  before: Condition,
  after: Condition & { readonly link?: boolean },
  change: Partial<Condition & { readonly link: boolean }> = {},
) {
  const clock = new SimulatedClock(0);
  let now = { link: true, ...after };
  const never = new AbortController();
  let lacking: string | null | undefined;
  const gate = passHealthGate(
    {
      trial: { before: conditionBefore(before), limitMs: LIMIT_MS },
      condition: () => now,
      proveLink: async () => now.link,
      clock,
    },
    never.signal,
  ).then((said) => {
    lacking = said;
  });
  const start = clock.monotonic();
  while (lacking === undefined) {
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
    if (lacking !== undefined) break;
    if (clock.monotonic() - start >= 60_000) now = { ...now, ...change };
    await clock.advance(1_000);
  }
  await gate;
  return { lacking, ms: clock.monotonic() - start };
}

describe('the health gate', () => {
  it('is passed at once where everything is as before, and as soon as it is', async () => {
    expect(await passed(well, well)).toEqual({ lacking: null, ms: 0 });
    const starting = { ...well, streaming: [], answers: 0, link: false };
    const later = await passed(well, starting, { ...well, link: true });
    expect(later.lacking).toBeNull();
    expect(later.ms).toBeGreaterThanOrEqual(60_000);
    expect(later.ms).toBeLessThan(65_000);
  });

  it.each<[string, Partial<Condition> & { link?: boolean }]>([
    ['there is no connection to the broker', { link: false }],
    ['no pictures from back, which streamed before', { streaming: ['front'] }],
    ['no answers are made, as there were before', { answers: 0 }],
  ])('is not passed, but ends in time, because %s', async (reason, change) => {
    const { lacking, ms } = await passed(well, { ...well, ...change });
    expect(lacking).toBe(reason);
    expect(ms).toBe(LIMIT_MS);
  });

  it('wants everything at once, not one after the other', async () => {
    const { lacking } = await passed(well, { ...well, link: false }, { link: true, streaming: ['front'] });
    expect(lacking).toContain('back');
  });

  it('does not ask for what was not there before, or is not wanted any more', async () => {
    const dark = { ...well, streaming: ['front'] };
    expect((await passed(dark, dark)).lacking).toBeNull();
    const silent = { ...well, answers: 0 };
    expect((await passed(silent, silent)).lacking).toBeNull();
    const nothing = { streaming: [], wanted: ['front'], answers: 7 };
    expect((await passed(nothing, { ...nothing, answers: 0 })).lacking).toBeNull();
    const removed = { streaming: ['front'], wanted: ['front'], answers: 1 };
    expect((await passed(well, removed)).lacking).toBeNull();
    const disabled = { streaming: [], wanted: [], answers: 0 };
    expect((await passed(well, disabled)).lacking).toBeNull();
  });

  it('counts a broker that never answers as no connection', async () => {
    const clock = new SimulatedClock(0);
    const trial = { before: conditionBefore(well), limitMs: 5_000 };
    const proveLink = () => new Promise<boolean>(() => {});
    const gate = passHealthGate(
      { trial, condition: () => well, proveLink, clock },
      new AbortController().signal,
    );
    await clock.advance(5_000);
    expect(await gate).toBe('there is no connection to the broker');
  });
});
