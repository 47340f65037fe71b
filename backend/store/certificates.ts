import type { Database } from './database.ts';

/** Kinds of which certificates are recorded: those that a broker admits, and the broker's own. */
export type RecordedKind = 'gateway' | 'backend' | 'broker' | 'cockpit' | 'viewer';

export type CertificateRecord = {
  /** Hex, upper case, as node:crypto gives it. */
  readonly serial: string;
  readonly kind: RecordedKind;
  /** For a gateway or a viewer its name; else as `kind`. */
  readonly name: string;
  readonly issuedMs: number;
  readonly endsMs: number;
  readonly revokedMs: number | null;
};

const COLUMNS = 'serial, kind, name, issued_ms AS "issuedMs", ends_ms AS "endsMs", revoked_ms AS "revokedMs"';

/** Every certificate that the authority of the site has issued, also those that nobody uses any more: each can be revoked. */
export class CertificateStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Records a certificate; one that is known stays as it is. */
  async add({ serial, kind, name, issuedMs, endsMs }: Omit<CertificateRecord, 'revokedMs'>): Promise<void> {
    await this.#database.run(
      `INSERT INTO certificates (serial, kind, name, issued_ms, ends_ms) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (serial) DO NOTHING`,
      serial.toUpperCase(),
      kind,
      name,
      issuedMs,
      endsMs,
    );
  }

  async get(serial: string): Promise<CertificateRecord | null> {
    const [row] = await this.#database.all<CertificateRecord>(
      `SELECT ${COLUMNS} FROM certificates WHERE serial = ?`,
      serial.toUpperCase(),
    );
    return row ?? null;
  }

  /** All of them, by kind, name and age. */
  async list(): Promise<CertificateRecord[]> {
    return this.#database.all<CertificateRecord>(
      `SELECT ${COLUMNS} FROM certificates ORDER BY kind, name, issued_ms, serial`,
    );
  }

  /** Revoked ones, oldest revocation first. */
  async revoked(): Promise<(CertificateRecord & { readonly revokedMs: number })[]> {
    return this.#database.all(
      `SELECT ${COLUMNS} FROM certificates WHERE revoked_ms IS NOT NULL ORDER BY revoked_ms, serial`,
    );
  }

  /** When certificates of this name were issued since a time, newest first. */
  async issuedSince(kind: RecordedKind, name: string, sinceMs: number): Promise<number[]> {
    const rows = await this.#database.all<{ issuedMs: number }>(
      `SELECT issued_ms AS "issuedMs" FROM certificates
       WHERE kind = ? AND name = ? AND issued_ms > ? ORDER BY issued_ms DESC`,
      kind,
      name,
      sinceMs,
    );
    return rows.map(({ issuedMs }) => issuedMs);
  }

  /** @returns false where it is unknown, or was revoked before; the first time stays. */
  async revoke(serial: string, timeMs: number): Promise<boolean> {
    const changed = await this.#database.run(
      'UPDATE certificates SET revoked_ms = ? WHERE serial = ? AND revoked_ms IS NULL',
      timeMs,
      serial.toUpperCase(),
    );
    return changed === 1;
  }

  /** Revokes whatever was issued under a name until now. */
  async revokeAll(kind: RecordedKind, name: string, timeMs: number): Promise<void> {
    await this.#database.run(
      'UPDATE certificates SET revoked_ms = ? WHERE kind = ? AND name = ? AND revoked_ms IS NULL',
      timeMs,
      kind,
      name,
    );
  }
}
