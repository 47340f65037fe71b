import type { Database } from './database.ts';
import { FeedStore } from './feed.ts';
import { LatePlaces } from './late-places.ts';

/** Places in the feed that are written at the end of a transaction, in the order in which they came. */
export class LateFeed extends FeedStore {
  readonly #places: LatePlaces;

  constructor(database: Database) {
    super(database);
    this.#places = new LatePlaces(database, 'feed');
  }

  override add(...place: Parameters<FeedStore['add']>): Promise<void> {
    return this.#places.add(...place);
  }

  write(): Promise<void> {
    return this.#places.write();
  }
}
