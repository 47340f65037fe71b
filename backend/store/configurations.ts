import type { ReportedConfiguration } from '#protocol/messages.ts';
import type { Database } from './database.ts';
import { rowsOf } from './many-rows.ts';

/**
 * `pending`: the gateway has not said anything yet; `superseded`: a newer version came before this one was applied; the rest are its reports.
 */
export type ConfigurationStatus = 'pending' | 'superseded' | Exclude<ReportedConfiguration['status'], 'none'>;

export type ConfigurationRecord = {
  readonly gateway: string;
  readonly version: number;
  /** Who pushed it, in their own words. */
  readonly author: string;
  /** The signed wire form, which holds settings and sealed credentials. */
  readonly wire: Uint8Array;
  readonly status: ConfigurationStatus;
  /** Why it was rejected or reverted. */
  readonly error: ReportedConfiguration['error'];
  readonly createdMs: number;
  /** When its status last changed. */
  readonly updatedMs: number;
};

/** What became of a version, without its settings. */
export type PushedVersion = Pick<ConfigurationRecord, 'version' | 'status' | 'createdMs' | 'updatedMs'>;

/** What became of each version for a gateway, newest first, and whether it says that it runs the file on it. */
export type PushedVersions = { readonly versions: readonly PushedVersion[]; readonly runsFile: boolean };

/** Of a gateway to which nothing was pushed. */
export const NOTHING_PUSHED: PushedVersions = { versions: [], runsFile: true };

/** What a gateway says it runs. */
export type RunningConfiguration = {
  /** 0 for the file on the gateway; null before the gateway reported any. */
  readonly running: number | null;
  readonly drift: boolean;
};

type Row = {
  gateway: string;
  version: number;
  author: string;
  wire: Uint8Array;
  status: ConfigurationStatus;
  error_code: string | null;
  error_message: string | null;
  created_ms: number;
  updated_ms: number;
};

function fromRow({
  error_code: code,
  error_message,
  created_ms,
  updated_ms,
  ...row
}: Row): ConfigurationRecord {
  return {
    ...row,
    error: code === null ? null : { code, message: error_message ?? '' },
    createdMs: created_ms,
    updatedMs: updated_ms,
  };
}

/** Newest versions kept for each gateway, besides the running one. */
const KEPT = 200;

/** Every version of the settings pushed to gateways. */
export class ConfigurationStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Next version for a gateway, starting at 1, strictly increasing. @returns null for an unknown gateway. */
  async nextVersion(gateway: string): Promise<number | null> {
    const [row] = await this.#database.all<{ configuration: number }>(
      'UPDATE gateways SET configuration = configuration + 1 WHERE name = ? AND removed_ms IS NULL RETURNING configuration',
      gateway,
    );
    return row?.configuration ?? null;
  }

  /** Adds a version; earlier ones that are not applied yet are superseded. */
  async add(
    record: Pick<ConfigurationRecord, 'gateway' | 'version' | 'author' | 'wire' | 'createdMs'>,
  ): Promise<void> {
    await this.#database.transaction(async (inside) => {
      await inside.run(
        `UPDATE configurations SET status = 'superseded', updated_ms = ?
         WHERE gateway = ? AND status IN ('pending', 'received')`,
        record.createdMs,
        record.gateway,
      );
      await inside.run(
        `INSERT INTO configurations (gateway, version, author, wire, status, created_ms, updated_ms)
         VALUES (?, ?, ?, ?, 'pending', ?, ?)`,
        record.gateway,
        record.version,
        record.author,
        record.wire,
        record.createdMs,
        record.createdMs,
      );
      await inside.run(
        `DELETE FROM configurations WHERE gateway = ? AND version NOT IN
           (SELECT version FROM configurations WHERE gateway = ? ORDER BY version DESC LIMIT ${KEPT})
         AND version <> COALESCE((SELECT configuration_running FROM gateways WHERE name = ?), 0)`,
        record.gateway,
        record.gateway,
        record.gateway,
      );
    });
  }

  async get(gateway: string, version: number): Promise<ConfigurationRecord | null> {
    const [row] = await this.#database.all<Row>(
      'SELECT * FROM configurations WHERE gateway = ? AND version = ?',
      gateway,
      version,
    );
    return row === undefined ? null : fromRow(row);
  }

  /** The newest version for a gateway: what it should run. */
  async newest(gateway: string): Promise<ConfigurationRecord | null> {
    const [row] = await this.#database.all<Row>(
      'SELECT * FROM configurations WHERE gateway = ? ORDER BY version DESC LIMIT 1',
      gateway,
    );
    return row === undefined ? null : fromRow(row);
  }

  /** The newest version for each gateway that was not removed. */
  async current(): Promise<ConfigurationRecord[]> {
    const rows = await this.#database.all<Row>(
      `SELECT * FROM configurations AS c
       WHERE version = (SELECT MAX(version) FROM configurations WHERE gateway = c.gateway)
         AND gateway IN (SELECT name FROM gateways WHERE removed_ms IS NULL) ORDER BY gateway`,
    );
    return rows.map(fromRow);
  }

  /** What was pushed to gateways, by their names, without those to which nothing was. */
  async pushedTo(gateways: readonly string[]): Promise<Map<string, PushedVersions>> {
    const rows = await rowsOf<PushedVersion & { readonly gateway: string }>(
      this.#database,
      `SELECT gateway, version, status, created_ms AS "createdMs", updated_ms AS "updatedMs"
       FROM configurations WHERE gateway IN`,
      gateways,
      'ORDER BY version DESC',
    );
    const versions = Map.groupBy(rows, ({ gateway }) => gateway);
    const running = await rowsOf<{ name: string; running: number | null }>(
      this.#database,
      'SELECT name, configuration_running AS running FROM gateways WHERE name IN',
      [...versions.keys()],
    );
    const runsFile = new Set(running.filter((one) => one.running === 0).map(({ name }) => name));
    return new Map(
      [...versions].map(([gateway, of]) => [gateway, { versions: of, runsFile: runsFile.has(gateway) }]),
    );
  }

  /** All versions for a gateway, newest first. */
  async history(gateway: string): Promise<ConfigurationRecord[]> {
    const rows = await this.#database.all<Row>(
      'SELECT * FROM configurations WHERE gateway = ? ORDER BY version DESC',
      gateway,
    );
    return rows.map(fromRow);
  }

  /**
   * Records what a gateway reports about a version. Receipt of one that has been superseded since changes nothing.
   *
   * @returns false where nothing changed.
   */
  async setStatus(
    gateway: string,
    version: number,
    status: ConfigurationStatus,
    error: ConfigurationRecord['error'],
    timeMs: number,
  ): Promise<boolean> {
    const changed = await this.#database.run(
      `UPDATE configurations SET status = ?, error_code = ?, error_message = ?, updated_ms = ?
       WHERE gateway = ? AND version = ? AND (status <> ? OR COALESCE(error_code, '') <> ?)
         AND NOT (status = 'superseded' AND ? = 'received')`,
      status,
      error?.code ?? null,
      error?.message ?? null,
      timeMs,
      gateway,
      version,
      status,
      error?.code ?? '',
      status,
    );
    return changed === 1;
  }

  /** Stores what a gateway says it runs. @returns false where nothing changed. */
  async setRunning(gateway: string, { running, drift }: RunningConfiguration): Promise<boolean> {
    const changed = await this.#database.run(
      `UPDATE gateways SET configuration_running = ?, configuration_drift = ?
       WHERE name = ? AND (COALESCE(configuration_running, -1) <> ? OR configuration_drift <> ?)`,
      running,
      drift ? 1 : 0,
      gateway,
      running ?? -1,
      drift ? 1 : 0,
    );
    return changed === 1;
  }

  /** What a gateway says it runs. */
  async running(gateway: string): Promise<RunningConfiguration> {
    const [row] = await this.#database.all<{ running: number | null; drift: number }>(
      'SELECT configuration_running AS running, configuration_drift AS drift FROM gateways WHERE name = ?',
      gateway,
    );
    return { running: row?.running ?? null, drift: row?.drift === 1 };
  }
}
