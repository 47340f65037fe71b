import type { Database } from './database.ts';
import { FloorStore } from './floors.ts';
import type { Position } from './gateways.ts';
import { sampleTable } from './sample-table.ts';
import { startOfDay } from './start-of-day.ts';

const DAY_MS = 86_400_000;
/** Days made before they come: nobody who stores has to. */
const AHEAD = 2;
/** Key of PostgreSQL's advisory lock under which partitions are made. */
const MAKING = 2021161082;
/** Gateways whose floors are raised in one transaction. */
const GATEWAYS = 200;
/** How long a lock is waited for that others would wait behind; then it is tried again the next time. */
const BRIEF_MS = 2000;

type Parent = 'results' | 'region_results';
const PARENTS: readonly Parent[] = ['results', 'region_results'];

type Partition = {
  readonly parent: Parent;
  readonly name: string;
  /** What is in it was stored before, ms since the epoch. */
  readonly endMs: number;
  /** Whether taking it out was begun and not finished. */
  readonly isLeaving: boolean;
};
type Newest = Position & { readonly gateway: string };
type Oldest = { readonly names: readonly string[]; readonly endMs: number; readonly isBefore: boolean };

/**
 * In PostgreSQL results lie in tables of a day each (UTC, by when they were stored), and what was there before there were such, in one more. A day is forgotten by taking
 * its table out and dropping it, which leaves no dead rows, and takes no lock that a writer waits for. Each day's table has each place in a gateway's sequence
 * once; that no other day has it, {@link ResultStore} makes sure of.
 */
export class ResultPartitions {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Makes the tables of this day and the next ones. */
  async prepare(nowMs: number): Promise<void> {
    for (let ahead = 0; ahead <= AHEAD; ahead++) await this.make(nowMs + ahead * DAY_MS);
  }

  /** Makes sure that what is stored at a time has its tables. */
  async make(storedMs: number): Promise<void> {
    if ((await this.#missing(this.#database, storedMs)).length === 0) return;
    await this.#database.transaction(async (inside) => {
      await inside.all(`SELECT pg_advisory_xact_lock(${MAKING})`);
      for (const parent of await this.#missing(inside, storedMs)) {
        const startMs = startOfDay(storedMs);
        const name = `${parent}_d${startMs / DAY_MS}`;
        // Attached, not made as a part: that would wait for all who read and write, and they for it.
        await inside.run(`CREATE TABLE ${name} (LIKE ${parent} INCLUDING DEFAULTS INCLUDING INDEXES)`);
        await inside.run(`CREATE UNIQUE INDEX ${name}_place ON ${name} (${placeOf(parent)})`);
        await inside.run(
          `ALTER TABLE ${parent} ATTACH PARTITION ${name} FOR VALUES FROM (${startMs}) TO (${startMs + DAY_MS})`,
        );
      }
    });
  }

  /** The oldest day's tables, or those of before, and when they end, ms since the epoch; null where there are none. */
  async oldest(): Promise<Oldest | null> {
    const all = await this.#list();
    const before = all.filter(({ name }) => isBefore(name));
    const oldest = before.length > 0 ? before : all.filter(({ endMs }) => endMs === all[0]!.endMs);
    if (oldest.length === 0) return null;
    const endMs = Math.max(...oldest.map((one) => one.endMs));
    return { names: oldest.map(({ name }) => name), endMs, isBefore: before.length > 0 };
  }

  /** Whether there is what was stored before there were tables of days. */
  async hasBefore(): Promise<boolean> {
    return (await this.#list()).some(({ name }) => isBefore(name));
  }

  /**
   * Forgets the tables that end by a time, and raises each gateway's floors above what was in them, so that nothing of it can be decrypted again. What was
   * interrupted before is finished.
   *
   * @returns about how many results were in them: exactly where they are few
   * @throws BlindsightError TABLE_IN_USE where a transaction that has read them goes on
   */
  async dropUntil(timeMs: number): Promise<number> {
    let removed = 0;
    for (const partition of await this.#list()) {
      if (partition.endMs > timeMs) continue;
      const { parent, name, isLeaving } = partition;
      // Before: as soon as it is out, nobody finds its places.
      if (parent === 'results') await this.#close(name);
      const change = `ALTER TABLE ${parent} DETACH PARTITION ${name}`;
      // Waits for all who began before, while others go on reading and writing; not in a transaction.
      if (!isLeaving) await this.#database.run(`${change} CONCURRENTLY`);
      else await this.#briefly(`${change} FINALIZE`);
    }
    for (const name of await this.#out()) {
      if (!name.startsWith('region_')) {
        // Again: taken out by another one, perhaps, or written to meanwhile.
        await this.#close(name);
        removed += (await sampleTable(this.#database, name)).rows;
      }
      await this.#briefly(`DROP TABLE ${name}`);
    }
    return removed;
  }

  /** Runs what asks for a table alone: while it waits for those who read it, all who come after wait for it. */
  async #briefly(sql: string): Promise<void> {
    await this.#database.transaction(async (inside) => {
      await inside.run(`SET LOCAL lock_timeout = ${BRIEF_MS}`);
      // It may wait for several, one after the other.
      await inside.run(`SET LOCAL statement_timeout = ${2 * BRIEF_MS}`);
      await inside.run(sql);
    });
  }

  /** Raises floors above what is in the table of a day. */
  async #close(name: string): Promise<void> {
    // From one session's last place to the next one's, by the index of places: not all rows are read.
    const last = 'ORDER BY gateway DESC, session DESC, sequence DESC LIMIT 1';
    const newest = await this.#database.all<Newest>(
      `WITH RECURSIVE newest AS (
         (SELECT gateway, session, sequence FROM ${name} ${last})
         UNION ALL
         SELECT next.gateway, next.session, next.sequence FROM newest CROSS JOIN LATERAL
           (SELECT gateway, session, sequence FROM ${name} AS part
            WHERE (part.gateway, part.session) < (newest.gateway, newest.session) ${last}) AS next
       ) SELECT gateway, session, sequence FROM newest`,
    );
    const gateways = [...Map.groupBy(newest, ({ gateway }) => gateway)];
    for (let at = 0; at < gateways.length; at += GATEWAYS)
      await this.#database.transaction(async (inside) => {
        const floors = new FloorStore(inside);
        for (const [gateway, places] of gateways.slice(at, at + GATEWAYS))
          await floors.raise(gateway, places);
      });
  }

  async #missing(database: Database, storedMs: number): Promise<Parent[]> {
    const partitions = await this.#list(database);
    const isIn = ({ name, endMs }: Partition) =>
      storedMs < endMs && (isBefore(name) || storedMs >= endMs - DAY_MS);
    return PARENTS.filter((parent) => !partitions.some((one) => one.parent === parent && isIn(one)));
  }

  async #list(database = this.#database): Promise<Partition[]> {
    // Bounds are asked for where no name tells them: to say them PostgreSQL opens the table, and waits behind whoever wants it alone.
    const rows = await database.all<{
      parent: Parent;
      name: string;
      bounds: string | null;
      leaving: boolean;
    }>(
      `SELECT parent.relname AS parent, child.relname AS name, inhdetachpending AS leaving,
         CASE WHEN child.relname LIKE '%before' THEN pg_get_expr(child.relpartbound, child.oid) END AS bounds
       FROM pg_inherits JOIN pg_class AS child ON child.oid = inhrelid JOIN pg_class AS parent ON parent.oid = inhparent
       WHERE inhparent IN (${PARENTS.map((parent) => `CAST('${parent}' AS regclass)`).join(', ')})`,
    );
    return rows
      .map(({ parent, name, bounds, leaving }) => ({
        parent,
        name,
        endMs: endOf(name, bounds),
        isLeaving: leaving,
      }))
      .sort((one, other) => one.endMs - other.endMs || (one.parent === 'results' ? -1 : 1));
  }

  /** Tables that were taken out and not dropped. */
  async #out(): Promise<string[]> {
    const rows = await this.#database.all<{ name: string }>(
      `SELECT relname AS name FROM pg_class
       WHERE relkind = 'r' AND relname ~ '^(region_|)results_(d[0-9]+|before)$' AND pg_table_is_visible(oid)
         AND NOT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = pg_class.oid) ORDER BY relname`,
    );
    return rows.map(({ name }) => name);
  }
}

function placeOf(parent: Parent): string {
  return `gateway, session, sequence${parent === 'region_results' ? ', region' : ''}`;
}

function isBefore(name: string): boolean {
  return name.endsWith('_before');
}

function endOf(name: string, bounds: string | null): number {
  if (bounds === null) return (Number(/_d(\d+)$/.exec(name)![1]) + 1) * DAY_MS;
  return Number(/ TO \('?(-?\d+)'?\)/.exec(bounds)![1]);
}
