import type { Database } from './database.ts';
import { inRuns, marks } from './many-rows.ts';

export type Heard = { readonly gateway: string; readonly heardMs: number; readonly agoMs: number };

/**
 * When gateways that were asked to open answers were last heard, where whoever decrypts and whoever audits are different processes: a gateway that goes on sending
 * owes an answer, one that is away does not.
 */
export class HeardStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /**
   * Notes how long ago envelopes of gateways arrived, unless a later one did before. Whoever reads it may be another machine with another clock: what is kept is the
   * database's.
   */
  async note(ago: readonly (readonly [gateway: string, agoMs: number])[]): Promise<void> {
    const { now, integer } = this.#database.dialect;
    const columns = ['?', `${now} - CAST(? AS ${integer})`];
    // In one order, whoever writes about several gateways at once: otherwise PostgreSQL finds transactions that wait for each other.
    const sorted = ago.toSorted(([one], [other]) => (one < other ? -1 : Number(one > other)));
    for (const run of inRuns(sorted))
      await this.#database.run(
        `INSERT INTO heard (gateway, received_ms) VALUES ${marks(run.length, columns)}
         ON CONFLICT (gateway) DO UPDATE SET received_ms = excluded.received_ms WHERE heard.received_ms < excluded.received_ms`,
        ...run.flatMap(([gateway, agoMs]) => [gateway, Math.round(agoMs)]),
      );
  }

  /** Gateways that were heard in this time, how long ago, and when by the database's clock. */
  within(ms: number): Promise<Heard[]> {
    const { now, integer } = this.#database.dialect;
    return this.#database.all<Heard>(
      `SELECT gateway, received_ms AS "heardMs", ${now} - received_ms AS "agoMs" FROM heard
       WHERE received_ms > ${now} - CAST(? AS ${integer})`,
      ms,
    );
  }
}
