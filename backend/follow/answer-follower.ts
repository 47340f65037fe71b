import type { SettledAnswer } from '../store/feed.ts';
import type { Store } from '../store/store.ts';

/**
 * What makes something of answers once they are settled: history, events, alerts. {@link FollowService} hands it each answer once, over crashes too:
 * what it writes becomes durable together with the removal of the answer from the feed.
 *
 * While a transaction is open, SQLite lets nobody else write: so work in memory, and write little.
 */
export type AnswerFollower = {
  /** What it makes, for the journal: `the history`. */
  readonly name: string;
  /** Takes answers in the order in which they were settled, within a transaction. Whatever it writes, it writes through `inside`. */
  take(inside: Store, batch: readonly SettledAnswer[], nowMs: number): Promise<void>;
  /** Time passes: called about once a second while no answers wait, at least once a minute, and also where none come. Within a transaction of its own. */
  tick(inside: Store, nowMs: number): Promise<void>;
  /** The transaction was rolled back: forget what is in memory, and read it from the store again when it is needed. */
  reset(): void;
  /** What it wrote is durable: now others may be told. Not called where the process was killed right before, so who must hear of it reads the store. */
  committed(): void;
};
