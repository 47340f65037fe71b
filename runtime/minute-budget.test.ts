import { describe, expect, it } from 'vitest';
import { SimulatedClock } from '#runtime/simulated-clock.ts';
import { MinuteBudget } from './minute-budget.ts';

describe('the share of a gateway in the journal', () => {
  it('is used up within a minute without touching that of others, and comes back', async () => {
    const clock = new SimulatedClock();
    const budget = new MinuteBudget(clock);
    const taken = (gateway: string) => Array.from({ length: 40 }, () => budget.take(gateway)).filter(Boolean);
    expect(taken('gate')).toHaveLength(30);
    expect(taken('other')).toHaveLength(30);
    await clock.advance(60_000);
    expect(taken('gate')).toHaveLength(30);
  });
});
