import type { Database } from './database.ts';
import { inRuns, insertRows, marks } from './many-rows.ts';

type Begun = { readonly gateway: string; readonly digest: string };

/** How often a decryption was begun of envelopes that wait in a queue outside of the database, until they are settled. */
export class AttemptStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async begin(begun: readonly Begun[]): Promise<void> {
    const different = new Map(begun.map((one) => [`${one.gateway}/${one.digest}`, one]));
    await insertRows(
      this.#database,
      'INSERT INTO attempts (gateway, digest, count)',
      [...different.values()].map(({ gateway, digest }) => [gateway, digest, 1]),
      'ON CONFLICT (gateway, digest) DO UPDATE SET count = attempts.count + 1',
    );
  }

  async of({ gateway, digest }: Begun): Promise<number> {
    const [row] = await this.#database.all<{ count: number }>(
      'SELECT count FROM attempts WHERE gateway = ? AND digest = ?',
      gateway,
      digest,
    );
    return row?.count ?? 0;
  }

  /** Of all gateways, `gateway/digest` each: as few as are in hand, or were when somebody died. */
  async all(): Promise<string[]> {
    const rows = await this.#database.all<Begun>('SELECT gateway, digest FROM attempts');
    return rows.map(({ gateway, digest }) => `${gateway}/${digest}`);
  }

  async remove(begun: readonly Begun[]): Promise<void> {
    for (const run of inRuns(begun))
      await this.#database.run(
        `DELETE FROM attempts WHERE (gateway, digest) IN (VALUES ${marks(run.length, 2)})`,
        ...run.flatMap(({ gateway, digest }) => [gateway, digest]),
      );
  }
}
