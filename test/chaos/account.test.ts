import { describe, expect, it } from 'vitest';
import { AHEAD_MS } from '#backend/decryption/answer-bounds.ts';
import { account, type Found, type Settled } from './account.ts';
import { CLOCK_OFF_MS } from './clock-off.ts';
import type { Made } from './ledger.ts';

const made = (number: number, isKept: boolean | null = true): Made => ({
  ...{ number, digest: `digest-${number}`, frameMs: number, madeMs: number, place: `1/${number}`, isKept },
  receiptMs: null,
});
/** Its gateway was told that it came. */
const received = (number: number): Made => ({ ...made(number), receiptMs: number + 1 });
/** By a clock that is ahead. */
const early = (number: number): Made => ({ ...received(number), frameMs: 200_000 });
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
    backendOffMs: [],
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

  const refused = (count: number) => ({ counters: { accepted: 1, 'refused.future': count } });

  it('excuses what was refused for its date, and nothing else', () => {
    expect(of([made(1), early(2)], [settled(1)], refused(1))).toMatchObject({ ...WELL, refused: 1 });
    const forged = of([made(1), made(2)], [settled(1)], {
      counters: { accepted: 1, 'refused.signature': 1 },
    });
    expect(forged).toMatchObject({ lost: ['gate 1/2 (2)'], wrong: ['1 × refused.signature'] });
  });

  it('misses an answer beside one whose copies were refused and counted, too', () => {
    for (const last of [made(3), received(3)])
      expect(of([made(1), early(2), last], [settled(1)], refused(2))).toMatchObject({
        ...{ refused: 1, lost: ['gate 1/3 (3)'] },
      });
    const ledgers = new Map([
      ['gate', { made: [made(1), early(2)], drops: {} }],
      ['other', { made: [made(3)], drops: {} }],
    ]);
    expect(of([], [settled(1)], { ledgers, ...refused(2) })).toMatchObject({
      ...{ refused: 1, lost: ['other 1/3 (3)'] },
    });
  });

  it('misses an answer that was dated wrong where nobody counted as many as refused', () => {
    expect(of([made(1), early(2), early(3)], [settled(1)], refused(1)).lost).toEqual(['gate 1/3 (3)']);
  });

  it('excuses an answer that came while the clock of the backend was off, and none that came before or after', () => {
    const list = [made(1), received(2)];
    const at = (ms: number) => of(list, [settled(1)], { backendOffMs: [ms], ...refused(1) });
    expect(at(3)).toMatchObject({ ...WELL, refused: 1 });
    for (const ms of [-10_000, 10_000]) expect(at(ms).lost).toEqual(['gate 1/2 (2)']);
  });

  it('misses an answer that came and is gone beside one that the outbox dropped', () => {
    const dropped = new Map([['gate', 2]]);
    expect(of([made(1), received(2)], [settled(1)], { dropped }).lost).toEqual(['gate 1/2 (2)']);
  });

  it('takes no clock for right that makes an answer too early', () => {
    expect(2 * CLOCK_OFF_MS).toBeLessThanOrEqual(AHEAD_MS);
  });

  it('says where an answer never got a receipt', () => {
    const waiting = new Map([['gate', 1]]);
    expect(of([made(1)], [], { waiting })).toMatchObject({
      ...{ lost: [], wrong: ['1 answers of gate never got a receipt'] },
    });
  });
});
