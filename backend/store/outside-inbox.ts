import type { Database } from './database.ts';
import type { InboxStore } from './inbox.ts';

/** What waits to be settled, wherever it is. */
export type Inbox = Pick<
  InboxStore,
  | 'add'
  | 'addAll'
  | 'takeBack'
  | 'divide'
  | 'siteBytes'
  | 'first'
  | 'marks'
  | 'get'
  | 'all'
  | 'next'
  | 'take'
  | 'beginAttempts'
  | 'remove'
  | 'setAside'
  | 'count'
>;

/** An inbox that is not in the database, though what is known of attempts is. */
export type OutsideInbox = {
  /** @param onRemoved called for what is to be removed once the transaction of this database is durable */
  inside(database: Database, onRemoved: (id: number) => void): Inbox;
  /** These were settled, and that is durable. */
  settled(ids: readonly number[]): void;
};
