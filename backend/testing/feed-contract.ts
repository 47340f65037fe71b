import { describe, expect, it } from 'vitest';
import type { ClassificationResult } from '#protocol/messages.ts';
import { createLogger } from '#runtime/log.ts';
import type { AnswerFollower } from '../follow/answer-follower.ts';
import { FollowService } from '../follow/follow-service.ts';
import type { Database } from '../store/database.ts';
import type { SettledAnswer } from '../store/feed.ts';
import type { ResultRecord } from '../store/results.ts';
import { Store } from '../store/store.ts';
import { CrashingDatabase } from './crashing-database.ts';

const log = createLogger({ name: 'test', level: 'error', format: 'json', destination: { write: () => {} } });

/** Time that passes only where somebody sleeps. */
function handClock(startMs = 1_800_000_000_000) {
  let ms = 0;
  const sleep = async (forMs: number) => {
    ms += forMs;
  };
  return { now: () => startMs + ms, monotonic: () => ms, sleep };
}

/** A follower that counts the answers of each camera in the store, and refuses those that `refuses` names. */
class Counting implements AnswerFollower {
  readonly name: string;
  readonly refuses: (answer: SettledAnswer) => boolean;
  readonly batches: number[] = [];
  resets = 0;
  commits = 0;
  ticks = 0;

  constructor(name: string, refuses: (answer: SettledAnswer) => boolean = () => false) {
    this.name = name;
    this.refuses = refuses;
  }

  async take(inside: Store, batch: readonly SettledAnswer[]): Promise<void> {
    this.batches.push(batch.length);
    for (const answer of batch) {
      if (this.refuses(answer)) throw new Error(`no ${answer.sequence}`);
      const list = (await inside.settings.get(this.name)) ?? '';
      await inside.settings.set(this.name, `${list} ${answer.sequence}`);
    }
  }

  async tick(): Promise<void> {
    this.ticks++;
  }

  reset(): void {
    this.resets++;
  }

  committed(): void {
    this.commits++;
  }
}

/** What every store must do with answers that are followed. @param opened the store of this test, empty, with an answer `result` that may be stored */
export function describeFeed(
  opened: () => { readonly store: Store; readonly database: Database },
  result: ResultRecord,
  answer: ClassificationResult,
): void {
  describe('the feed', () => {
    const settle = async (sequence: number, changes: Partial<ResultRecord> = {}) => {
      const record = { ...result, sequence, ...changes };
      await opened().store.transaction(async (inside) => {
        await inside.results.add(record);
        await inside.feed.add(record.gateway, record.session, record.sequence);
      });
    };
    const taken = async (name: string) => (await opened().store.settings.get(name))?.trim();
    const follow = (...followers: AnswerFollower[]) =>
      new FollowService({ store: opened().store, followers, clock: handClock(), log });

    it('gives answers out once, in order, with what they say', async () => {
      const { store } = opened();
      await settle(9, { results: [{ ...answer, sequence: 9 }] });
      const regions = ['left', 'right'].map((region) => ({ ...answer, region, sequence: 7 }));
      await settle(7, { results: regions });
      await settle(8, { withheld: 'range', results: [] });
      await settle(1, { session: 3, results: [] });
      await store.feed.add('gate', 2, 99);
      expect(await store.feed.waiting()).toBe(5);
      const first = await store.transaction((inside) => inside.feed.take(3));
      expect(first.map(({ sequence, withheld, results }) => ({ sequence, withheld, results }))).toEqual([
        { sequence: 9, withheld: null, results: [{ ...answer, sequence: 9 }] },
        { sequence: 7, withheld: null, results: regions },
        { sequence: 8, withheld: 'range', results: [] },
      ]);
      const { results: _, digest: __, ...columns } = { ...result, session: 3, sequence: 1 };
      expect(await store.transaction((inside) => inside.feed.take(9))).toEqual([
        { id: expect.any(Number), ...columns, results: [] },
      ]);
      expect(await store.feed.waiting()).toBe(0);
    });

    it('hands each answer on exactly once, wherever the process is killed', async () => {
      const { database, store } = opened();
      const expected: number[] = [];
      for (let instants = 0; ; instants++) {
        expected.push(instants);
        await settle(instants);
        const crashing = new CrashingDatabase(database);
        const mortal = new FollowService({
          ...{ store: new Store(crashing), followers: [new Counting('one'), new Counting('two')] },
          ...{ clock: handClock(), log },
        });
        crashing.crashAfter(instants);
        await mortal.round();
        const isWhole = !crashing.isDead;
        // Another process finds either all of it, or all of it still to be done.
        await follow(new Counting('one'), new Counting('two')).round();
        expect(await taken('one'), `killed after ${instants} instants`).toBe(expected.join(' '));
        expect(await taken('two')).toBe(expected.join(' '));
        expect(await store.feed.waiting()).toBe(0);
        if (isWhole) break;
      }
      expect(expected.length).toBeGreaterThan(10);
    });

    it('passes a follower over at what it fails at, and loses nothing else of anybody', async () => {
      for (let sequence = 0; sequence < 20; sequence++) await settle(sequence);
      const picky = new Counting('picky', ({ sequence }) => sequence === 5 || sequence === 6);
      const plain = new Counting('plain');
      const service = follow(picky, plain);
      for (let rounds = 0; rounds < 40; rounds++) await service.round();
      const all = Array.from({ length: 20 }, (_, index) => index);
      expect(await taken('plain')).toBe(all.join(' '));
      expect(await taken('picky')).toBe(all.filter((one) => one !== 5 && one !== 6).join(' '));
      expect(picky.resets).toBe(plain.resets);
      expect(picky.resets).toBeGreaterThan(4);
      expect(plain.commits).toBeGreaterThan(0);
      expect(await opened().store.journal.latest(10)).toMatchObject([
        { code: 'FOLLOWER_FAILED', subject: 'picky', message: expect.stringContaining('no 5') },
      ]);
      await settle(20);
      await settle(21);
      await service.round();
      expect(plain.batches.at(-1), 'batches grow again').toBe(2);
    });

    it('goes on for all others where a follower always fails, also at the passing of time', async () => {
      for (let sequence = 0; sequence < 12; sequence++) await settle(sequence);
      const broken = new Counting('broken', () => true);
      broken.tick = () => Promise.reject(new Error('no time'));
      const plain = new Counting('plain');
      const service = follow(broken, plain);
      for (let rounds = 0; rounds < 60; rounds++) await service.round();
      expect((await taken('plain'))?.split(' ')).toHaveLength(12);
      expect(await taken('broken')).toBeUndefined();
      expect(plain.ticks).toBeGreaterThan(0);
      expect(await opened().store.feed.waiting()).toBe(0);
    });

    it('never holds more than its bound, and says so', async () => {
      for (let sequence = 0; sequence < 8; sequence++) await settle(sequence);
      const options = { store: opened().store, clock: handClock(), log, maxWaiting: 3 };
      await new FollowService({ ...options, followers: [new Counting('late')] }).round();
      expect(await taken('late')).toBe('5 6 7');
      const [entry] = await opened().store.journal.latest(1);
      expect(entry).toMatchObject({ code: 'FOLLOWER_FAILED', message: expect.stringContaining('5 answers') });
    });
  });
}
