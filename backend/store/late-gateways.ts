import type { Database } from './database.ts';
import { GatewayStore, isBeyond, type Position, type SenderRecord } from './gateways.ts';
import { inRuns, marks } from './many-rows.ts';
import { PlaceTaken } from './place-taken.ts';

/**
 * Gateways whose answers are settled: what these are judged by is read together, and how far they are is written at the end of a transaction. Nobody else settles
 * answers of them meanwhile; and where somebody did nevertheless, the transaction fails.
 */
export class LateGateways extends GatewayStore {
  readonly #database: Database;
  readonly #names: readonly string[];
  #known: Map<string, SenderRecord> | null = null;
  readonly #moved = new Map<string, Position>();

  /** @param names of gateways that will be asked for; others are read one by one */
  constructor(database: Database, names: readonly string[]) {
    super(database);
    this.#database = database;
    this.#names = [...new Set(names)];
  }

  override async sender(name: string): Promise<SenderRecord | null> {
    if (this.#known === null) this.#known = await this.senders(this.#names);
    let known = this.#known.get(name);
    if (known === undefined && !this.#names.includes(name)) {
      known = (await super.sender(name)) ?? undefined;
      if (known !== undefined) this.#known.set(name, known);
    }
    if (known === undefined) return null;
    return { ...known, last: this.#moved.get(name) ?? known.last };
  }

  override async advance(name: string, position: Position): Promise<boolean> {
    const sender = await this.sender(name);
    if (sender === null || !isBeyond(position, sender.last)) return false;
    const { session, sequence } = position;
    this.#moved.set(name, { session, sequence });
    return true;
  }

  /** @throws PlaceTaken where a gateway is not where it was */
  async write(): Promise<void> {
    const { integer } = this.#database.dialect;
    const number = `CAST(? AS ${integer})`;
    for (const run of inRuns([...this.#moved])) {
      const moved = await this.#database.run(
        `WITH moved (gateway, session, sequence, from_session, from_sequence) AS (VALUES ${marks(run.length, ['?', number, number, number, number])})
         UPDATE gateways SET last_session = moved.session, last_sequence = moved.sequence FROM moved
         WHERE gateways.name = moved.gateway
           AND last_session = moved.from_session AND last_sequence = moved.from_sequence`,
        ...run.flatMap(([name, { session, sequence }]) => {
          const { last } = this.#known!.get(name)!;
          return [name, session, sequence, last.session, last.sequence];
        }),
      );
      if (moved < run.length) throw new PlaceTaken();
    }
    this.#moved.clear();
  }
}
