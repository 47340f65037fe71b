import type { Database } from './database.ts';
import { rowsOf } from './many-rows.ts';
import type { KeySetId } from './protections.ts';

/** `waiting`: the gateway has not said anything yet; `superseded`: a newer release came first; the rest are its reports. */
export type DeploymentStatus =
  | 'waiting'
  | 'fetching'
  | 'testing'
  | 'active'
  | 'refused'
  | 'rolled-back'
  | 'superseded';

export type DeploymentRecord = {
  /** SHA-256 of the signed manifest, hex. */
  readonly digest: string;
  readonly gateway: string;
  readonly model: string;
  readonly version: number;
  /** Number of the key set that the gateway got. */
  readonly protection: number;
  /** For the cameras that name the model; else it is the default network of the gateway. */
  readonly beside: boolean;
  /** Of the gateway, whatever the network. */
  readonly counter: number;
  readonly manifest: Uint8Array;
  readonly status: DeploymentStatus;
  readonly detail: string | null;
  readonly createdMs: number;
  readonly updatedMs: number;
  /** From when its answers are refused, ms since the epoch, whatever is true of its network and keys; null where they are not. */
  readonly refusedFromMs: number | null;
};

/** As much of a release as answers are judged by. */
export type ReleaseOfAnswer = Pick<
  DeploymentRecord,
  'digest' | 'gateway' | 'model' | 'version' | 'protection' | 'refusedFromMs'
> & {
  /** When its gateway first reported a later one of the same network as active that it has not given up since; null where it has not. */
  readonly supersededMs: number | null;
};

type Row = Omit<DeploymentRecord, 'createdMs' | 'updatedMs' | 'refusedFromMs' | 'beside'> & {
  beside: number;
  created_ms: number;
  updated_ms: number;
  active_ms: number | null;
  refused_from_ms: number | null;
};

function fromRow(row: Row): DeploymentRecord {
  const {
    created_ms: createdMs,
    updated_ms: updatedMs,
    active_ms: _activeMs,
    refused_from_ms: refusedFromMs,
    beside,
    ...rest
  } = row;
  return { ...rest, beside: beside === 1, createdMs, updatedMs, refusedFromMs };
}

/** The newest row of each network of a gateway, of those that a condition leaves; counters are those of the gateway. */
const newestWhere = (condition: string) =>
  `SELECT d.* FROM deployments AS d JOIN (
     SELECT gateway, MAX(counter) AS counter FROM deployments WHERE ${condition}
     GROUP BY gateway, beside, CASE WHEN beside = 1 THEN model ELSE '' END
   ) AS newest ON newest.gateway = d.gateway AND newest.counter = d.counter`;
/** Of gateways that were not removed. */
const PRESENT = 'gateway IN (SELECT name FROM gateways WHERE removed_ms IS NULL)';

export class DeploymentStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Adds a release; releases of the same network of the gateway that did not finish are superseded. */
  async add(
    record: Omit<DeploymentRecord, 'status' | 'detail' | 'updatedMs' | 'refusedFromMs'>,
  ): Promise<void> {
    await this.#database.transaction(async (inside) => {
      await inside.run(
        `UPDATE deployments SET status = 'superseded', updated_ms = ?
         WHERE gateway = ? AND beside = ? AND (beside = 0 OR model = ?) AND status IN ('waiting', 'fetching', 'testing')`,
        record.createdMs,
        record.gateway,
        Number(record.beside),
        record.model,
      );
      await inside.run(
        `INSERT INTO deployments (digest, gateway, model, version, protection, beside, counter, manifest, status, created_ms, updated_ms)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'waiting', ?, ?)`,
        record.digest,
        record.gateway,
        record.model,
        record.version,
        record.protection,
        Number(record.beside),
        record.counter,
        record.manifest,
        record.createdMs,
        record.createdMs,
      );
    });
  }

  async get(digest: string): Promise<DeploymentRecord | null> {
    const [row] = await this.#database.all<Row>('SELECT * FROM deployments WHERE digest = ?', digest);
    return row === undefined ? null : fromRow(row);
  }

  /** As much of releases as answers are judged by, of which there are many; by digest. */
  async ofAnswers(digests: readonly string[]): Promise<Map<string, ReleaseOfAnswer>> {
    const rows = await rowsOf<ReleaseOfAnswer>(
      this.#database,
      `SELECT digest, gateway, model, version, protection, refused_from_ms AS "refusedFromMs",
         (SELECT MIN(o.active_ms) FROM deployments AS o
          WHERE o.gateway = d.gateway AND o.beside = d.beside AND (d.beside = 0 OR o.model = d.model)
            AND o.counter > d.counter AND o.status = 'active') AS "supersededMs"
       FROM deployments AS d WHERE digest IN`,
      digests,
    );
    return new Map(rows.map((row) => [row.digest, row]));
  }

  /** The newest release of each network of the gateways that were not removed: what each should run, of a gateway the default network first. */
  async current(): Promise<DeploymentRecord[]> {
    const rows = await this.#database.all<Row>(
      `${newestWhere(PRESENT)} ORDER BY d.gateway, d.beside, d.model`,
    );
    return rows.map(fromRow);
  }

  /** The same of one gateway. */
  async currentOf(gateway: string): Promise<DeploymentRecord[]> {
    const rows = await this.#database.all<Row>(
      `${newestWhere(`gateway = ? AND ${PRESENT}`)} ORDER BY d.beside, d.model`,
      gateway,
    );
    return rows.map(fromRow);
  }

  /** Changes with each release that is added, in a time that does not depend on how many there are; one that was begun before and is committed after another may not show. */
  async newest(): Promise<string> {
    const { integer } = this.#database.dialect;
    const rows = await this.#database.all<{ created_ms: number; count: number }>(
      `SELECT created_ms, CAST(COUNT(*) AS ${integer}) AS count FROM deployments
       WHERE created_ms = (SELECT MAX(created_ms) FROM deployments) GROUP BY created_ms`,
    );
    return rows.map(({ created_ms, count }) => `${created_ms}/${count}`).join();
  }

  /** The newest release of each network that its gateway has reported as active: what ran last, as far as is known. */
  async running(): Promise<DeploymentRecord[]> {
    return (await this.#database.all<Row>(newestWhere("status = 'active'"))).map(fromRow);
  }

  /** Refuses answers of all releases that a gateway ever got with a key set, from a time on; an earlier time stays. */
  async refuse(gateway: string, { model, version, number }: KeySetId, refusedFromMs: number): Promise<void> {
    await this.#database.run(
      `UPDATE deployments SET refused_from_ms = ? WHERE gateway = ? AND model = ? AND version = ? AND protection = ?
       AND (refused_from_ms IS NULL OR refused_from_ms > ?)`,
      refusedFromMs,
      gateway,
      model,
      version,
      number,
      refusedFromMs,
    );
  }

  async list(): Promise<DeploymentRecord[]> {
    return (await this.#database.all<Row>('SELECT * FROM deployments ORDER BY gateway, counter')).map(
      fromRow,
    );
  }

  /** @returns false where nothing changed. */
  async setStatus(
    digest: string,
    status: DeploymentStatus,
    detail: string | null,
    timeMs: number,
  ): Promise<boolean> {
    const changed = await this.#database.run(
      `UPDATE deployments SET status = ?, detail = ?, updated_ms = ?,
         active_ms = CASE WHEN ? = 'active' THEN COALESCE(active_ms, ?) ELSE active_ms END
       WHERE digest = ? AND (status <> ? OR COALESCE(detail, '') <> ?)`,
      status,
      detail,
      timeMs,
      status,
      timeMs,
      digest,
      status,
      detail ?? '',
    );
    return changed === 1;
  }
}
