import type { Database } from './database.ts';

/**
 * When gateways that were asked to open answers were last heard, where whoever decrypts and whoever audits are different processes: a gateway that goes on sending
 * owes an answer, one that is away does not.
 */
export class HeardStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Notes when an envelope of a gateway arrived, unless a later one did before. */
  async note(gateway: string, receivedMs: number): Promise<void> {
    await this.#database.run(
      `INSERT INTO heard (gateway, received_ms) VALUES (?, ?)
       ON CONFLICT (gateway) DO UPDATE SET received_ms = excluded.received_ms WHERE heard.received_ms < excluded.received_ms`,
      gateway,
      receivedMs,
    );
  }

  /** Of gateways that were heard later than this. */
  after(receivedMs: number): Promise<{ readonly gateway: string; readonly receivedMs: number }[]> {
    return this.#database.all(
      'SELECT gateway, received_ms AS "receivedMs" FROM heard WHERE received_ms > ?',
      receivedMs,
    );
  }
}
