import { describe, expect, it } from 'vitest';
import { account, type Found, type Settled } from './account.ts';
import type { Made } from './ledger.ts';

const made = (number: number, isKept: boolean | null = true): Made => ({
  ...{ number, digest: `digest-${number}`, frameMs: number, place: `1/${number}`, isKept },
});
const settled = (number: number, more: Partial<Settled> = {}): Settled => ({
  ...{ gateway: 'gate', session: 1, sequence: number, digest: `digest-${number}`, withheld: null },
  ...more,
});
const of = (list: readonly Made[], rows: readonly Settled[], more: Partial<Found> = {}) =>
  account({
    ledgers: new Map([['gate', { made: list, drops: {} }]]),
    dropped: new Map([['gate', 0]]),
    waiting: new Map([['gate', 0]]),
    settled: rows,
    counters: {
      accepted: rows.filter(({ withheld }) => withheld === null).length,
      withheld: rows.filter(({ withheld }) => withheld === 'not-zero').length,
    },
    ...more,
  });
const WELL = { lost: [], twice: [], wrong: [] };

describe('an account', () => {
  it('is well where each answer is stored once, or withheld', () => {
    const result = of([made(1), made(2)], [settled(1), settled(2, { withheld: 'not-zero' })]);
    expect(result).toMatchObject({ ...WELL, made: 2, stored: 2, withheld: { 'not-zero': 1 } });
  });

  it('misses an answer that was promised and is nowhere', () => {
    expect(of([made(1), made(2)], [settled(1)])).toMatchObject({ ...WELL, lost: ['gate 1/2 (2)'] });
  });

  it('does not miss what was dropped and counted, but what is missing beside it', () => {
    const list = [made(1), made(2), made(3)];
    const dropped = new Map([['gate', 1]]);
    expect(of(list, [settled(1), settled(2)], { dropped })).toMatchObject({
      ...WELL,
      dropped: 1,
      missing: 1,
    });
    expect(of(list, [settled(1)], { dropped }).lost).toHaveLength(1);
  });

  it('counts a loss that the disk caused only once', () => {
    const dropped = new Map([['gate', 1]]);
    expect(of([made(1), made(2, false)], [settled(1)], { dropped })).toMatchObject(WELL);
    expect(of([made(1), made(2, false)], [], { dropped }).lost).toEqual(['gate 1/1 (1)']);
  });

  it('hears of a disk that refused an answer which nobody counted', () => {
    expect(of([made(1, false)], []).wrong).toEqual(['the disk of gate refused 1 answers, and 0 are counted']);
  });

  it('takes either for an answer whose process was killed before the outbox promised it', () => {
    expect(of([made(1, null), made(2, null)], [settled(1)])).toMatchObject({ ...WELL, unpromised: 2 });
  });

  it('sees an answer that is stored under two numbers, one that nobody made, and one that is counted twice', () => {
    const again = settled(2, { digest: 'digest-1' });
    expect(of([made(1)], [settled(1), again]).twice).toEqual(['gate/digest-1 at 1/1 and 1/2']);
    expect(of([], [settled(1)]).twice).toEqual(['gate/digest-1 at 1/1 was never made']);
    expect(of([made(1)], [settled(1)], { counters: { accepted: 2 } }).twice).toEqual(['2 counted, 1 stored']);
  });

  it('excuses what was refused for its date, and nothing else', () => {
    const list = [made(1), made(2)];
    expect(of(list, [settled(1)], { counters: { accepted: 1, 'refused.future': 1 } })).toMatchObject({
      ...{ ...WELL, refused: 1 },
    });
    const forged = of(list, [settled(1)], { counters: { accepted: 1, 'refused.signature': 1 } });
    expect(forged).toMatchObject({ lost: ['gate 1/2 (2)'], wrong: ['1 × refused.signature'] });
  });

  it('says where an answer never got a receipt', () => {
    const waiting = new Map([['gate', 1]]);
    expect(of([made(1)], [], { waiting })).toMatchObject({
      ...{ lost: [], wrong: ['1 answers of gate never got a receipt'] },
    });
  });
});
