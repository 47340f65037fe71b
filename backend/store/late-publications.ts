import { PublicationStore } from './publications.ts';

/** Publications that are written at the end of a transaction, in the order in which they came. */
export class LatePublications extends PublicationStore {
  readonly #places: [gateway: string, session: number, sequence: number][] = [];

  override async add(gateway: string, session: number, sequence: number): Promise<void> {
    this.#places.push([gateway, session, sequence]);
  }

  async write(): Promise<void> {
    for (const place of this.#places.splice(0)) await super.add(...place);
  }
}
