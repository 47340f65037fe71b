import type { SoftwarePlatform } from '#protocol/software.ts';
import type { Database } from './database.ts';
import type { DeploymentRecord, DeploymentStatus } from './deployments.ts';

/** An archive of the gateways' software; its file is a blob, named by its digest. */
export type SoftwareRecord = {
  readonly version: string;
  readonly platform: SoftwarePlatform;
  /** SHA-256 of the archive, hex. */
  readonly sha256: string;
  readonly bytes: number;
  /** SHA-256 of its RELEASE.json, hex. */
  readonly contents: string;
  readonly addedMs: number;
};

/** A release of software to one gateway; see {@link DeploymentRecord}. */
export type SoftwareReleaseRecord = Omit<
  DeploymentRecord,
  'model' | 'version' | 'protection' | 'beside' | 'refusedFromMs'
> & {
  readonly version: string;
  readonly platform: SoftwarePlatform;
};

/** What a gateway says that it runs; null before it said so. */
export type RunningSoftware = {
  readonly gateway: string;
  readonly version: string | null;
  readonly platform: string | null;
};

type Row = Omit<SoftwareRecord, 'addedMs'> & { added_ms: number };
type ReleaseRow = Omit<SoftwareReleaseRecord, 'createdMs' | 'updatedMs'> & {
  created_ms: number;
  updated_ms: number;
};

const fromRow = ({ added_ms: addedMs, ...row }: Row): SoftwareRecord => ({ ...row, addedMs });
const fromReleaseRow = ({
  created_ms: createdMs,
  updated_ms: updatedMs,
  ...row
}: ReleaseRow): SoftwareReleaseRecord => ({ ...row, createdMs, updatedMs });

/** The software of gateways: archives, releases, and what each says that it runs. */
export class SoftwareStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** @returns false where there is an archive of this version and platform. */
  async add(record: SoftwareRecord): Promise<boolean> {
    const changed = await this.#database.run(
      `INSERT INTO software (version, platform, sha256, bytes, contents, added_ms)
       VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (version, platform) DO NOTHING`,
      record.version,
      record.platform,
      record.sha256,
      record.bytes,
      record.contents,
      record.addedMs,
    );
    return changed === 1;
  }

  async get(version: string, platform: string): Promise<SoftwareRecord | null> {
    const [row] = await this.#database.all<Row>(
      'SELECT * FROM software WHERE version = ? AND platform = ?',
      version,
      platform,
    );
    return row === undefined ? null : fromRow(row);
  }

  /** The newest first. */
  async list(): Promise<SoftwareRecord[]> {
    return (
      await this.#database.all<Row>('SELECT * FROM software ORDER BY added_ms DESC, version, platform')
    ).map(fromRow);
  }

  /** @returns false where there is none. */
  async remove(version: string, platform: string): Promise<boolean> {
    const changed = await this.#database.run(
      'DELETE FROM software WHERE version = ? AND platform = ?',
      version,
      platform,
    );
    return changed === 1;
  }

  /** Next release counter of a gateway, starting at 1, strictly increasing. @returns null for an unknown gateway. */
  async nextCounter(gateway: string): Promise<number | null> {
    const [row] = await this.#database.all<{ counter: number }>(
      `UPDATE gateways SET software_counter = software_counter + 1 WHERE name = ? AND removed_ms IS NULL
       RETURNING software_counter AS counter`,
      gateway,
    );
    return row?.counter ?? null;
  }

  /** Adds a release; releases to the same gateway that did not finish are superseded. Call it in a transaction. */
  async release(record: Omit<SoftwareReleaseRecord, 'status' | 'detail' | 'updatedMs'>): Promise<void> {
    await this.#database.run(
      `UPDATE software_releases SET status = 'superseded', updated_ms = ?
       WHERE gateway = ? AND status IN ('waiting', 'fetching', 'testing')`,
      record.createdMs,
      record.gateway,
    );
    await this.#database.run(
      `INSERT INTO software_releases (digest, gateway, version, platform, counter, manifest, status, created_ms, updated_ms)
       VALUES (?, ?, ?, ?, ?, ?, 'waiting', ?, ?)`,
      record.digest,
      record.gateway,
      record.version,
      record.platform,
      record.counter,
      record.manifest,
      record.createdMs,
      record.createdMs,
    );
  }

  async getRelease(digest: string): Promise<SoftwareReleaseRecord | null> {
    const [row] = await this.#database.all<ReleaseRow>(
      'SELECT * FROM software_releases WHERE digest = ?',
      digest,
    );
    return row === undefined ? null : fromReleaseRow(row);
  }

  /** The newest release to each gateway that was not removed: what each should run. */
  async current(): Promise<SoftwareReleaseRecord[]> {
    const rows = await this.#database.all<ReleaseRow>(
      `SELECT * FROM software_releases AS r
       WHERE counter = (SELECT MAX(counter) FROM software_releases WHERE gateway = r.gateway)
         AND gateway IN (SELECT name FROM gateways WHERE removed_ms IS NULL) ORDER BY gateway`,
    );
    return rows.map(fromReleaseRow);
  }

  /** @returns false where nothing changed. */
  async setStatus(
    digest: string,
    status: DeploymentStatus,
    detail: string | null,
    timeMs: number,
  ): Promise<boolean> {
    const changed = await this.#database.run(
      `UPDATE software_releases SET status = ?, detail = ?, updated_ms = ?
       WHERE digest = ? AND (status <> ? OR COALESCE(detail, '') <> ?)`,
      status,
      detail,
      timeMs,
      digest,
      status,
      detail ?? '',
    );
    return changed === 1;
  }

  /** Stores what a gateway says that it runs. @returns false where nothing changed. */
  async setRunning(gateway: string, version: string, platform: string): Promise<boolean> {
    const changed = await this.#database.run(
      `UPDATE gateways SET software_version = ?, software_platform = ?
       WHERE name = ? AND (COALESCE(software_version, '') <> ? OR COALESCE(software_platform, '') <> ?)`,
      version,
      platform,
      gateway,
      version,
      platform,
    );
    return changed === 1;
  }

  /** Of every gateway that was not removed. */
  async running(): Promise<RunningSoftware[]> {
    return this.#database.all(
      `SELECT name AS gateway, software_version AS version, software_platform AS platform
       FROM gateways WHERE removed_ms IS NULL`,
    );
  }
}
