import type { Database } from './database.ts';
import { LatePlaces } from './late-places.ts';
import { PublicationStore } from './publications.ts';

/** Publications that are written at the end of a transaction, in the order in which they came. */
export class LatePublications extends PublicationStore {
  readonly #places: LatePlaces;

  constructor(database: Database) {
    super(database);
    this.#places = new LatePlaces(database, 'publications');
  }

  override add(...place: Parameters<PublicationStore['add']>): Promise<void> {
    return this.#places.add(...place);
  }

  write(): Promise<void> {
    return this.#places.write();
  }
}
