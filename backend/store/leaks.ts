import type { Database } from './database.ts';
import { insertRows } from './many-rows.ts';

/** The keys that answers of one gateway are under. */
export type LeakKey = {
  readonly gateway: string;
  readonly model: string;
  readonly version: number;
  /** Number of the key set of this version. */
  readonly number: number;
};

/** What answers of a gateway under one key told, as far as they were audited with one probability. */
export type LeakSum = LeakKey & {
  readonly share: number;
  readonly answers: number;
  /** Of these, answers that told anything. */
  readonly telling: number;
  /** What these can have told together. */
  readonly bits: number;
  /** The most bits that one of them can have told. */
  readonly most: number;
};

/** `spent`: half of the bits of the key; `replaced`: another key took its place. */
export type LeakState = 'safe' | 'warning' | 'spent' | 'replaced';

/** What is made of the sums of a key. */
export type LeakAccount = LeakKey & {
  readonly state: LeakState;
  /** What can have leaked by dishonest answers, and the key's own bits. */
  readonly bits: number;
  readonly limit: number;
  /** More of them in a day; null before that is known. */
  readonly perDay: number | null;
  /** When the day that this is seen by began, and the bits then. */
  readonly dayMs: number;
  readonly dayBits: number;
  /** Challenges of the gateway that had no answer before this key was used. */
  readonly silentBefore: number;
  /** When its replacement was last ordered; null if never. */
  readonly orderedMs: number | null;
};

const KEY = 'gateway, model, version, number';

/** What published answers may have told about keys. */
export class LeakStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /**
   * Adds answers of one ciphertext. Call it in the transaction that settles them.
   *
   * @param share the probability with which it is audited
   * @param bits that it told, 0 if nothing of it is seen; `most` that it could have told
   */
  async add(
    key: LeakKey,
    share: number,
    { bits, most, answers = 1 }: { bits: number; most: number; answers?: number },
  ): Promise<void> {
    await this.addSums([{ ...key, share, answers, telling: bits > 0 ? answers : 0, bits, most }]);
  }

  /** Adds sums of different keys and shares. */
  protected async addSums(sums: readonly LeakSum[]): Promise<void> {
    await insertRows(
      this.#database,
      `INSERT INTO leak_sums (${KEY}, share, answers, telling, bits, most)`,
      sums.map(({ gateway, model, version, number, share, answers, telling, bits, most }) => [
        ...[gateway, model, version, number],
        ...[share, answers, telling, bits, most],
      ]),
      `ON CONFLICT (${KEY}, share) DO UPDATE SET answers = leak_sums.answers + excluded.answers,
         telling = leak_sums.telling + excluded.telling, bits = leak_sums.bits + excluded.bits,
         most = CASE WHEN excluded.most > leak_sums.most THEN excluded.most ELSE leak_sums.most END`,
    );
  }

  sums(): Promise<LeakSum[]> {
    return this.#database.all<LeakSum>(
      `SELECT ${KEY}, share, answers, telling, bits, most FROM leak_sums
       WHERE gateway IN (SELECT name FROM gateways WHERE removed_ms IS NULL) ORDER BY ${KEY}, share`,
    );
  }

  accounts(): Promise<LeakAccount[]> {
    return this.#database.all<LeakAccount>(
      `SELECT ${KEY}, state, bits, key_bits AS "limit", per_day AS "perDay", day_ms AS "dayMs", day_bits AS "dayBits",
         silent_before AS "silentBefore", ordered_ms AS "orderedMs"
       FROM leak_accounts ORDER BY ${KEY}`,
    );
  }

  async put(account: LeakAccount): Promise<void> {
    const { gateway, model, version, number } = account;
    await this.#database.transaction(async (inside) => {
      await inside.run(
        'DELETE FROM leak_accounts WHERE gateway = ? AND model = ? AND version = ? AND number = ?',
        ...[gateway, model, version, number],
      );
      await inside.run(
        `INSERT INTO leak_accounts (${KEY}, state, bits, key_bits, per_day, day_ms, day_bits, silent_before, ordered_ms)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        ...[gateway, model, version, number, account.state, account.bits, account.limit, account.perDay],
        ...[Math.round(account.dayMs), account.dayBits, account.silentBefore],
        account.orderedMs === null ? null : Math.round(account.orderedMs),
      );
    });
  }
}
