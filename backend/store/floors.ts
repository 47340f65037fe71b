import type { Database } from './database.ts';
import type { Position } from './gateways.ts';

/** Floors kept for one gateway, however many sessions it has had. */
const MAX_FLOORS = 256;

/** All sessions from `from` to before `session` are closed, and `session` up to and with `sequence`. */
type Floor = { from: number; session: number; sequence: number };

/**
 * What may have been forgotten of each gateway, by session: nothing below is ever decrypted again, so nothing is decrypted twice. Each
 * session has its own floor, because sessions of two machines with one identity do not arrive in numeric order.
 *
 * Beyond 256 floors of a gateway the two closest sessions become one range, and what lies between
 * them is closed, too: a gateway that makes a million sessions closes its own old ones, and takes no more space.
 */
export class FloorStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Whether what was settled at this position may have been forgotten. */
  async covers(gateway: string, { session, sequence }: Position): Promise<boolean> {
    const [floor] = await this.#database.all<Floor>(
      `SELECT from_session AS "from", session, sequence FROM floors
       WHERE gateway = ? AND session >= ? ORDER BY session LIMIT 1`,
      gateway,
      session,
    );
    if (floor === undefined || session < floor.from) return false;
    return session < floor.session || sequence <= floor.sequence;
  }

  /** Closes each of these positions and all before it in its session. Call it in a transaction. */
  async raise(gateway: string, places: readonly Position[]): Promise<void> {
    const known = await this.#database.all<Floor>(
      'SELECT from_session AS "from", session, sequence FROM floors WHERE gateway = ? ORDER BY session',
      gateway,
    );
    const raised = bounded(withPlaces(known, places));
    if (JSON.stringify(raised) === JSON.stringify(known)) return;
    await this.#database.run('DELETE FROM floors WHERE gateway = ?', gateway);
    for (const { from, session, sequence } of raised) {
      await this.#database.run(
        'INSERT INTO floors (gateway, from_session, session, sequence) VALUES (?, ?, ?, ?)',
        gateway,
        from,
        session,
        sequence,
      );
    }
  }
}

function withPlaces(known: readonly Floor[], places: readonly Position[]): Floor[] {
  const sorted = [
    ...known.map((floor) => ({ ...floor })),
    ...places.map(({ session, sequence }) => ({ from: session, session, sequence })),
  ].sort((a, b) => a.session - b.session || a.from - b.from);
  const floors: Floor[] = [];
  // From the top: a range reaches down, so it comes before what it already covers.
  for (const floor of sorted.reverse()) {
    const above = floors.at(-1);
    if (above === undefined || floor.session < above.from) floors.push(floor);
    else if (floor.session === above.session) {
      above.sequence = Math.max(above.sequence, floor.sequence);
      above.from = Math.min(above.from, floor.from);
    }
  }
  return floors.reverse();
}

/** At most {@link MAX_FLOORS}: the closest neighbors are merged. */
function bounded(floors: readonly Floor[]): Floor[] {
  const gaps = floors
    .slice(1)
    .map((floor, index) => ({ index: index + 1, width: floor.from - floors[index]!.session }))
    .sort((a, b) => a.width - b.width || a.index - b.index)
    .slice(0, Math.max(0, floors.length - MAX_FLOORS));
  const joins = new Set(gaps.map(({ index }) => index));
  const kept: Floor[] = [];
  for (const [index, floor] of floors.entries()) {
    if (joins.has(index)) kept.push({ ...floor, from: kept.pop()!.from });
    else kept.push(floor);
  }
  return kept;
}
