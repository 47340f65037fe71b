import type { EventCode } from '#protocol/events.ts';
import type { Clock } from '#runtime/clock.ts';
import type { Logger } from '#runtime/log.ts';
import { RetryLadder } from '#runtime/retry.ts';
import type { Store } from '../store/store.ts';
import { isStoreTrouble } from '../store/store-trouble.ts';
import type { AnswerFollower } from './answer-follower.ts';
import { RegionBound } from './region-bound.ts';

export type FollowOptions = {
  readonly store: Store;
  /** In this order: a later one sees what an earlier one wrote. */
  readonly followers: readonly AnswerFollower[];
  readonly clock: Clock;
  readonly log: Logger;
  /** Answers that wait at most; of more, the oldest are left out. */
  readonly maxWaiting?: number;
};

/** Answers of one transaction: whoever settles the next one waits until it is over. */
const BATCH = 256;
/** How often the feed is looked at: what comes within this time shares a transaction. */
const LOOK_MS = 200;
const TICK_MS = 1000;
/** While answers wait, time does not pass for followers, so that nothing seems absent which has only not been taken; but no longer than this. */
const LONGEST_TICK_MS = 60_000;
/** How often a follower gets an answer that it fails at. */
const ATTEMPTS = 3;
const MAX_WAITING = 500_000;
/** So long after a follower was passed over, it gets each answer once. */
const DISTRUST_MS = 60_000;
/** A follower that goes on failing is in the journal no more often than this. */
const SAY_MS = 3_600_000;

/** What a follower threw. */
class FollowerFailure extends Error {
  readonly follower: AnswerFollower;

  constructor(follower: AnswerFollower, cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.follower = follower;
  }
}

/**
 * Hands settled answers to those who follow them, some at a time, each batch in one transaction with its removal from the feed. It is apart from
 * settling: a follower that fails stops neither decryption nor publication. The batch is then tried again, one answer at a time; at an answer that a
 * follower has failed at three times it is passed over, which the journal says, and the others and what comes after go on.
 */
export class FollowService {
  readonly #options: FollowOptions;
  readonly #regions = new RegionBound();
  readonly #ladder = new RetryLadder([500, 2_000, 5_000, 15_000, 60_000]);
  #size = BATCH;
  /** At the answers at hand. */
  #attempts = 0;
  /** They do not get the answer at hand. */
  readonly #passedOver = new Set<AnswerFollower>();
  /** Until when no answer waits for those who were passed over lately, monotonic ms. */
  readonly #distrusted = new Map<AnswerFollower, number>();
  readonly #ticks = new Map<AnswerFollower, { dueMs: number; readonly ladder: RetryLadder }>();
  #tickedMs: number;
  /** By what it is about: when the journal was told last, and what was left out since. */
  readonly #said = new Map<string, { atMs: number; count: number }>();

  constructor(options: FollowOptions) {
    this.#options = options;
    this.#tickedMs = options.clock.monotonic();
  }

  /** Works until the signal aborts; finishes the batch at hand. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const pauseMs = await this.round();
      await this.#options.clock.sleep(pauseMs, signal).catch(() => {});
    }
  }

  /** Hands on a batch, or lets time pass. Never throws. @returns how long to wait until the next round, ms */
  async round(): Promise<number> {
    const { clock, store } = this.#options;
    let left = 0;
    try {
      const waiting = await this.#bounded(await store.feed.waiting());
      if (waiting > 0) await this.#handOn();
      left = waiting - this.#size;
    } catch (error) {
      return this.#failed(error);
    }
    const isLate = clock.monotonic() - this.#tickedMs > LONGEST_TICK_MS;
    if (left <= 0 || isLate) await this.#tickAll();
    return left > 0 ? 0 : LOOK_MS;
  }

  async #handOn(): Promise<void> {
    const { store, clock, followers } = this.#options;
    const taking = followers.filter((follower) => !this.#passedOver.has(follower));
    const omitted = await store.transaction(async (inside) => {
      const batch = await inside.feed.take(this.#size);
      const { answers, omitted: left } = this.#regions.bounded(batch, clock.monotonic());
      if (answers.length > 0)
        for (const follower of taking)
          await blame(follower, () => follower.take(inside, answers, clock.now()));
      return left;
    });
    for (const [camera, count] of omitted)
      await this.#say(camera, count, `${camera} answers about more regions than it may have`, {
        code: 'REGIONS_OMITTED',
      });
    for (const follower of taking) this.#told(follower);
    if (this.#passedOver.size === 0) this.#size = Math.min(BATCH, this.#size * 2);
    this.#passedOver.clear();
    this.#attempts = 0;
    this.#ladder.reset();
  }

  /** After a batch was rolled back. @returns how long to wait, ms */
  async #failed(error: unknown): Promise<number> {
    const { clock, followers } = this.#options;
    for (const follower of followers) follower.reset();
    // Nobody's fault here, and reported by the watch of the store.
    if (isStoreTrouble(error) || isStoreTrouble((error as Error).cause)) return this.#ladder.next();
    if (!(error instanceof FollowerFailure)) {
      await this.#say('answers', 0, 'answers wait to be followed', { error });
      return this.#ladder.next();
    }
    const { follower } = error;
    const isTrusted = (this.#distrusted.get(follower) ?? 0) <= clock.monotonic();
    if (this.#size > 1) {
      this.#size = 1;
      this.#attempts = 0;
      return isTrusted ? this.#ladder.next() : 0;
    }
    this.#attempts++;
    if (isTrusted && this.#attempts < ATTEMPTS) return this.#ladder.next();
    this.#passedOver.add(follower);
    this.#distrusted.set(follower, clock.monotonic() + DISTRUST_MS);
    this.#attempts = 0;
    await this.#say(follower.name, 1, `${follower.name} failed at an answer, which is missing there`, {
      error,
    });
    return 0;
  }

  /** Those who fail are tried again, each by itself. */
  async #tickAll(): Promise<void> {
    const { followers, store, clock } = this.#options;
    this.#tickedMs = clock.monotonic();
    for (const follower of followers) {
      const tick = this.#ticks.get(follower) ?? { dueMs: 0, ladder: new RetryLadder([1_000, 5_000, 30_000]) };
      this.#ticks.set(follower, tick);
      if (clock.monotonic() < tick.dueMs) continue;
      tick.dueMs = clock.monotonic() + TICK_MS;
      try {
        await store.transaction((inside) => follower.tick(inside, clock.now()));
        tick.ladder.reset();
        this.#told(follower);
      } catch (error) {
        follower.reset();
        tick.dueMs = clock.monotonic() + tick.ladder.next();
        if (!isStoreTrouble(error))
          await this.#say(follower.name, 0, `${follower.name} failed, and tries again`, { error });
      }
    }
  }

  #told(follower: AnswerFollower): void {
    try {
      follower.committed();
    } catch (error) {
      this.#options.log.error({ err: error }, `${follower.name} is stored, but nobody could be told of it`);
    }
  }

  /** Leaves the oldest out where there are too many. @returns how many wait */
  async #bounded(waiting: number): Promise<number> {
    const { store, maxWaiting = MAX_WAITING } = this.#options;
    if (waiting <= maxWaiting) return waiting;
    const dropped = await store.feed.dropAllBut(maxWaiting);
    const what = `more than ${maxWaiting} answers waited for history, events and alerts; the oldest are missing there`;
    if (dropped > 0) await this.#say('feed', dropped, what);
    return maxWaiting;
  }

  /** Log and journal, at once and then hourly. A journal that fails stops nothing. */
  async #say(
    about: string,
    count: number,
    what: string,
    { code = 'FOLLOWER_FAILED', error }: { readonly code?: EventCode; readonly error?: unknown } = {},
  ): Promise<void> {
    const { store, clock, log } = this.#options;
    const key = `${code} ${about}`;
    const said = this.#said.get(key) ?? { atMs: Number.NEGATIVE_INFINITY, count: 0 };
    this.#said.set(key, said);
    said.count += count;
    if (clock.monotonic() - said.atMs < SAY_MS) return;
    const why = error === undefined ? '' : `: ${error instanceof Error ? error.message : String(error)}`;
    const message = `${what}${said.count > 1 ? ` (${said.count} answers)` : ''}${why}`;
    said.atMs = clock.monotonic();
    said.count = 0;
    log.error({ code, err: error }, message);
    await store.journal
      .add({ timeMs: clock.now(), level: 'error', code, subject: about, message })
      .catch(() => {});
  }
}

async function blame(follower: AnswerFollower, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    throw isStoreTrouble(error) ? error : new FollowerFailure(follower, error);
  }
}
