import type { Database } from './database.ts';

/** What a rollout releases. */
export type RolloutKind = 'model' | 'software';

/** Every rollout ends in one of the last four; see backend/rollout/README.md. */
export const ROLLOUT_STATES = ['running', 'paused', 'done', 'failed', 'aborted', 'timed-out'] as const;
export type RolloutState = (typeof ROLLOUT_STATES)[number];

/**
 * `waiting`: its wave has not come; `released`: it has the release and has not said what became of it; `skipped`: it was not released to, or
 * somebody else took it over; `left`: the rollout was aborted before the gateway had answered.
 */
export type RolloutGatewayState =
  | 'waiting'
  | 'released'
  | 'done'
  | 'failed'
  | 'timed-out'
  | 'skipped'
  | 'left';

export type Reason = { readonly code: string; readonly message: string };

/** A version of a network, or of the software (then the name is `software`). */
export type Target = { readonly name: string; readonly version: string };

export type RolloutRecord = {
  readonly id: number;
  readonly kind: RolloutKind;
  /** Null for one that takes gateways back, each to what it ran. */
  readonly target: Target | null;
  readonly author: string;
  /** Which keys gateways get; null: what each has of this version, or else its own. */
  readonly keys: 'per-gateway' | 'common' | null;
  /** The rollout that this one takes back. */
  readonly undoes: number | null;
  readonly waves: number;
  /** The one under way, from 1. */
  readonly wave: number;
  /** How long a gateway may take, from its release on. */
  readonly limitMs: number;
  readonly maxFailures: number;
  readonly state: RolloutState;
  /** Why it ended, where it is not `done`. */
  readonly error: Reason | null;
  readonly createdMs: number;
  /** When it ends as `timed-out` at the latest. */
  readonly deadlineMs: number;
  readonly pausedMs: number | null;
  readonly endedMs: number | null;
};

export type RolloutGatewayRecord = {
  readonly gateway: string;
  readonly wave: number;
  readonly target: Target;
  /** Whether it is a network beside the default one there. */
  readonly beside: boolean;
  /** What it ran when the rollout started, as far as it had said. */
  readonly earlier: Target | null;
  /** The key that it had then: another one is another machine. */
  readonly signingKey: string;
  /** Its newest release of that network, or of software, when the rollout started. */
  readonly base: string | null;
  /** The release of this rollout, once there is one. */
  readonly digest: string | null;
  readonly state: RolloutGatewayState;
  readonly error: Reason | null;
  readonly releasedMs: number | null;
  readonly deadlineMs: number | null;
  readonly endedMs: number | null;
};

/** What is known of the releases of a gateway in a rollout. */
export type ReleaseFacts = {
  readonly gateway: string;
  /** What became of the release of the rollout. */
  readonly status: string | null;
  /** `CODE: sentence`, where it failed. */
  readonly detail: string | null;
  /** The newest release of that network, or of software, whoever made it. */
  readonly newest: { readonly digest: string; readonly target: Target; readonly status: string } | null;
};

export type NewRollout = Omit<RolloutRecord, 'id' | 'wave' | 'state' | 'error' | 'pausedMs' | 'endedMs'>;
export type NewRolloutGateway = Pick<
  RolloutGatewayRecord,
  'gateway' | 'wave' | 'target' | 'beside' | 'earlier' | 'signingKey' | 'base' | 'error'
>;

type Errors = { error_code: string | null; error_message: string | null };
type Row = Errors & {
  id: number;
  kind: RolloutKind;
  name: string | null;
  version: string | null;
  author: string;
  keys: RolloutRecord['keys'];
  undoes: number | null;
  waves: number;
  wave: number;
  limit_ms: number;
  max_failures: number;
  state: RolloutState;
  created_ms: number;
  deadline_ms: number;
  paused_ms: number | null;
  ended_ms: number | null;
};
type GatewayRow = Errors & {
  gateway: string;
  wave: number;
  name: string;
  version: string;
  beside: number;
  earlier_name: string | null;
  earlier_version: string | null;
  signing_key: string;
  base_digest: string | null;
  digest: string | null;
  state: RolloutGatewayState;
  released_ms: number | null;
  deadline_ms: number | null;
  ended_ms: number | null;
};
type FactsRow = {
  gateway: string;
  status: string | null;
  detail: string | null;
  newest: string | null;
  name: string;
  version: string;
  newest_status: string;
};

const reasonOf = ({ error_code: code, error_message: message }: Errors): Reason | null =>
  code === null ? null : { code, message: message ?? '' };
const targetOf = (name: string | null, version: string | null): Target | null =>
  name === null || version === null ? null : { name, version };

function fromRow(row: Row): RolloutRecord {
  return {
    id: row.id,
    kind: row.kind,
    target: targetOf(row.name, row.version),
    author: row.author,
    keys: row.keys,
    undoes: row.undoes,
    waves: row.waves,
    wave: row.wave,
    limitMs: row.limit_ms,
    maxFailures: row.max_failures,
    state: row.state,
    error: reasonOf(row),
    createdMs: row.created_ms,
    deadlineMs: row.deadline_ms,
    pausedMs: row.paused_ms,
    endedMs: row.ended_ms,
  };
}

function fromGatewayRow(row: GatewayRow): RolloutGatewayRecord {
  return {
    gateway: row.gateway,
    wave: row.wave,
    target: { name: row.name, version: row.version },
    beside: row.beside === 1,
    earlier: targetOf(row.earlier_name, row.earlier_version),
    signingKey: row.signing_key,
    base: row.base_digest,
    digest: row.digest,
    state: row.state,
    error: reasonOf(row),
    releasedMs: row.released_ms,
    deadlineMs: row.deadline_ms,
    endedMs: row.ended_ms,
  };
}

/** Rollouts, and what became of each of their gateways. Every change names the state that it starts from, so that none is made twice. */
export class RolloutStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /**
   * Adds a running rollout; gateways with an error are skipped from the start. Call it in a transaction.
   *
   * @param gateways in the order in which they are released to
   * @returns its number, or the gateways that are in another one: undo the transaction then.
   */
  async add(
    rollout: NewRollout,
    gateways: readonly NewRolloutGateway[],
  ): Promise<{ readonly id: number; readonly taken: readonly string[] }> {
    const [row] = await this.#database.all<{ id: number }>(
      `INSERT INTO rollouts (kind, name, version, author, keys, undoes, waves, wave, limit_ms, max_failures, state, created_ms, deadline_ms)
       VALUES (?, ?, ?, ?, ?, ?, ?, 1, ?, ?, 'running', ?, ?) RETURNING id`,
      rollout.kind,
      rollout.target?.name ?? null,
      rollout.target?.version ?? null,
      rollout.author,
      rollout.keys,
      rollout.undoes,
      rollout.waves,
      rollout.limitMs,
      rollout.maxFailures,
      rollout.createdMs,
      rollout.deadlineMs,
    );
    const { id } = row!;
    const taken: string[] = [];
    for (const [place, one] of gateways.entries()) {
      const isSkipped = one.error !== null;
      const changed = await this.#database.run(
        `INSERT INTO rollout_gateways
           (rollout, gateway, place, wave, name, version, beside, earlier_name, earlier_version, signing_key, base_digest, held,
            state, error_code, error_message, ended_ms)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
        id,
        one.gateway,
        place,
        one.wave,
        one.target.name,
        one.target.version,
        Number(one.beside),
        one.earlier?.name ?? null,
        one.earlier?.version ?? null,
        one.signingKey,
        one.base,
        isSkipped ? 0 : 1,
        isSkipped ? 'skipped' : 'waiting',
        one.error?.code ?? null,
        one.error?.message ?? null,
        isSkipped ? rollout.createdMs : null,
      );
      if (changed === 0) taken.push(one.gateway);
    }
    return { id, taken };
  }

  async get(id: number): Promise<RolloutRecord | null> {
    const [row] = await this.#database.all<Row>('SELECT * FROM rollouts WHERE id = ?', id);
    return row === undefined ? null : fromRow(row);
  }

  /** The newest first. */
  async list(limit: number): Promise<RolloutRecord[]> {
    return (await this.#database.all<Row>('SELECT * FROM rollouts ORDER BY id DESC LIMIT ?', limit)).map(
      fromRow,
    );
  }

  /** Those that have not ended, the oldest first. */
  async open(): Promise<RolloutRecord[]> {
    const rows = await this.#database.all<Row>(
      "SELECT * FROM rollouts WHERE state IN ('running', 'paused') ORDER BY id",
    );
    return rows.map(fromRow);
  }

  /** How many rollouts there ever were, by state. */
  async counts(): Promise<Partial<Record<RolloutState, number>>> {
    const rows = await this.#database.all<{ state: RolloutState; count: number }>(
      'SELECT state, COUNT(*) AS count FROM rollouts GROUP BY state',
    );
    return Object.fromEntries(rows.map(({ state, count }) => [state, count]));
  }

  /** In the order in which they are released to. */
  async gateways(rollout: number): Promise<RolloutGatewayRecord[]> {
    const rows = await this.#database.all<GatewayRow>(
      'SELECT * FROM rollout_gateways WHERE rollout = ? ORDER BY place',
      rollout,
    );
    return rows.map(fromGatewayRow);
  }

  /** How many gateways of each rollout are in which state. */
  async tallies(
    rollouts: readonly number[],
  ): Promise<{ rollout: number; state: RolloutGatewayState; count: number }[]> {
    if (rollouts.length === 0) return [];
    return this.#database.all(
      `SELECT rollout, state, COUNT(*) AS count FROM rollout_gateways
       WHERE rollout IN (${rollouts.map(() => '?').join(', ')}) GROUP BY rollout, state`,
      ...rollouts,
    );
  }

  /** Which open rollout each gateway is in. */
  async held(): Promise<{ gateway: string; rollout: number }[]> {
    return this.#database.all(
      'SELECT gateway, rollout FROM rollout_gateways WHERE held = 1 ORDER BY rollout, place',
    );
  }

  /** What is known of the releases of a rollout. */
  async facts({ id, kind }: Pick<RolloutRecord, 'id' | 'kind'>): Promise<ReleaseFacts[]> {
    const isModel = kind === 'model';
    const [table, name] = isModel ? ['deployments', 'newest.model'] : ['software_releases', "'software'"];
    const isOfNetwork = isModel ? 'AND o.beside = g.beside AND (g.beside = 0 OR o.model = g.name)' : '';
    const rows = await this.#database.all<FactsRow>(
      `SELECT g.gateway, own.status, own.detail, newest.digest AS newest, ${name} AS name,
         CAST(newest.version AS TEXT) AS version, newest.status AS newest_status
       FROM rollout_gateways AS g
       LEFT JOIN ${table} AS own ON own.digest = g.digest
       LEFT JOIN ${table} AS newest ON newest.gateway = g.gateway
         AND newest.counter = (SELECT MAX(o.counter) FROM ${table} AS o WHERE o.gateway = g.gateway ${isOfNetwork})
       WHERE g.rollout = ?`,
      id,
    );
    return rows.map((row) => ({
      gateway: row.gateway,
      status: row.status,
      detail: row.detail,
      newest:
        row.newest === null
          ? null
          : {
              digest: row.newest,
              target: { name: row.name, version: row.version },
              status: row.newest_status,
            },
    }));
  }

  /** Whether it runs now, and holds it so until the transaction ends: nobody can abort or pause it meanwhile. */
  async holdRunning(id: number): Promise<boolean> {
    return (
      (await this.#database.run("UPDATE rollouts SET wave = wave WHERE id = ? AND state = 'running'", id)) ===
      1
    );
  }

  /** Notes the release of a gateway. @returns false where it was not waiting for one. */
  async released(
    rollout: number,
    gateway: string,
    { digest, releasedMs, deadlineMs }: { digest: string; releasedMs: number; deadlineMs: number },
  ): Promise<boolean> {
    const changed = await this.#database.run(
      `UPDATE rollout_gateways SET state = 'released', digest = ?, released_ms = ?, deadline_ms = ?
       WHERE rollout = ? AND gateway = ? AND state = 'waiting'`,
      digest,
      releasedMs,
      deadlineMs,
      rollout,
      gateway,
    );
    return changed === 1;
  }

  /** Moves a gateway to how it ended. @returns false where it is not in `from` any more. */
  async endGateway(
    rollout: number,
    gateway: string,
    from: RolloutGatewayState,
    { state, error }: { readonly state: RolloutGatewayState; readonly error: Reason | null },
    timeMs: number,
  ): Promise<boolean> {
    const changed = await this.#database.run(
      `UPDATE rollout_gateways SET state = ?, error_code = ?, error_message = ?, ended_ms = ?
       WHERE rollout = ? AND gateway = ? AND state = ?`,
      state,
      error?.code ?? null,
      error?.message ?? null,
      timeMs,
      rollout,
      gateway,
      from,
    );
    return changed === 1;
  }

  /** Goes on to the next wave. @returns false where it does not run, or is in another wave already. */
  async nextWave(id: number, from: number): Promise<boolean> {
    const changed = await this.#database.run(
      "UPDATE rollouts SET wave = wave + 1 WHERE id = ? AND wave = ? AND state = 'running'",
      id,
      from,
    );
    return changed === 1;
  }

  /** @returns false where it does not run. */
  async pause(id: number, timeMs: number): Promise<boolean> {
    const changed = await this.#database.run(
      "UPDATE rollouts SET state = 'paused', paused_ms = ? WHERE id = ? AND state = 'running'",
      timeMs,
      id,
    );
    return changed === 1;
  }

  /** @returns false where it is not paused. */
  async resume(id: number): Promise<boolean> {
    const changed = await this.#database.run(
      "UPDATE rollouts SET state = 'running', paused_ms = NULL WHERE id = ? AND state = 'paused'",
      id,
    );
    return changed === 1;
  }

  /**
   * Ends a rollout, and whatever of it has not ended: gateways that wait are skipped. Call it in a transaction.
   *
   * @param released what becomes of gateways that have the release and have not answered
   * @returns false where it had ended before.
   */
  async end(
    id: number,
    state: Exclude<RolloutState, 'running' | 'paused'>,
    error: Reason | null,
    { released, stopped }: { readonly released: 'left' | 'timed-out'; readonly stopped: Reason },
    timeMs: number,
  ): Promise<boolean> {
    const changed = await this.#database.run(
      `UPDATE rollouts SET state = ?, error_code = ?, error_message = ?, paused_ms = NULL, ended_ms = ?
       WHERE id = ? AND state IN ('running', 'paused')`,
      state,
      error?.code ?? null,
      error?.message ?? null,
      timeMs,
      id,
    );
    if (changed === 0) return false;
    for (const [from, to] of [
      ['waiting', 'skipped'],
      ['released', released],
    ] as const) {
      await this.#database.run(
        `UPDATE rollout_gateways SET state = ?, error_code = ?, error_message = ?, ended_ms = ?
         WHERE rollout = ? AND state = ?`,
        to,
        stopped.code,
        stopped.message,
        timeMs,
        id,
        from,
      );
    }
    await this.#database.run('UPDATE rollout_gateways SET held = 0 WHERE rollout = ?', id);
    return true;
  }
}
