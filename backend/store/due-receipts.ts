import type { Database } from './database.ts';
import { insertRows } from './many-rows.ts';

/** An envelope that is settled, and of which its gateway does not know it. */
export type DueReceipt = {
  readonly gateway: string;
  /** SHA-256 of the envelope as received, hex. */
  readonly digest: string;
  /** By the clock of whoever received it. */
  readonly receivedMs: number;
};

/** Receipts of envelopes that waited in a queue outside of the database: written with their outcome, taken away by whoever sends them. */
export class DueReceiptStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Call it in the transaction that settles them. */
  async add(receipts: readonly DueReceipt[]): Promise<void> {
    const different = new Map(receipts.map((one) => [`${one.gateway}/${one.digest}`, one]));
    await insertRows(
      this.#database,
      'INSERT INTO due_receipts (gateway, digest, received_ms)',
      [...different.values()].map(({ gateway, digest, receivedMs }) => [gateway, digest, receivedMs]),
      'ON CONFLICT (gateway, digest) DO NOTHING',
    );
  }

  /** Takes so many away, in any order. Who dies with them leaves gateways without a receipt that send once more. */
  take(limit: number): Promise<DueReceipt[]> {
    return this.#database.all<DueReceipt>(
      `DELETE FROM due_receipts WHERE (gateway, digest) IN (SELECT gateway, digest FROM due_receipts LIMIT ?)
       RETURNING gateway, digest, received_ms AS "receivedMs"`,
      limit,
    );
  }
}
