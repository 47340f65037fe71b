import type { Database } from './database.ts';
import { type GatewayStore, isBeyond } from './gateways.ts';
import { insertRows } from './many-rows.ts';
import { PartitionMissing } from './partition-missing.ts';
import { PlaceTaken } from './place-taken.ts';
import { type ResultRecord, ResultStore, regionRows, resultRow } from './results.ts';

/** Results that are written at the end of a transaction, together, each taken for new until then. */
export class LateResults extends ResultStore {
  readonly #database: Database;
  readonly #gateways: Pick<GatewayStore, 'sender'>;
  readonly #records = new Map<string, ResultRecord>();
  /** Those at places that a gateway had passed already. */
  readonly #filling: ResultRecord[] = [];

  /** @param gateways as they are in this transaction, which fails where another one moves one of them that it moves */
  constructor(database: Database, gateways: Pick<GatewayStore, 'sender'>) {
    super(database);
    this.#database = database;
    this.#gateways = gateways;
  }

  override async add(record: ResultRecord): Promise<boolean> {
    const place = `${record.gateway}/${record.session}/${record.sequence}`;
    if (this.#records.has(place)) return false;
    this.#records.set(place, record);
    if (this.#database.dialect.kind === 'postgresql') {
      const gateway = await this.#gateways.sender(record.gateway);
      // Beyond all that was settled of a gateway nothing is stored, on whatever day.
      if (gateway === null || !isBeyond(record, gateway.last)) this.#filling.push(record);
    }
    return true;
  }

  /** @throws PlaceTaken where a result is stored already; PartitionMissing */
  async write(): Promise<void> {
    const records = [...this.#records.values()];
    this.#records.clear();
    const filling = this.#filling.splice(0);
    if (filling.length > 0 && (await this.isAnyStored(filling))) throw new PlaceTaken();
    const added = await this.#insert(records).catch((error: unknown) => {
      if (!isWithoutPartition(error)) throw error;
      throw new PartitionMissing([...new Set(records.map(({ storedMs }) => storedMs))], error);
    });
    if (added < records.length) throw new PlaceTaken();
  }

  /** @returns how many were not stored yet */
  async #insert(records: readonly ResultRecord[]): Promise<number> {
    const rows = records.map(resultRow);
    const added = await insertRows(this.#database, ResultStore.INSERT, rows, ResultStore.UNLESS_STORED);
    if (added < records.length) return added;
    const regions = records.flatMap(regionRows);
    await insertRows(this.#database, ResultStore.INSERT_REGION, regions, ResultStore.UNLESS_STORED);
    return added;
  }
}

/** What PostgreSQL says of a row for which no table is there, in whatever language: by the function that found it out. */
function isWithoutPartition(error: unknown): boolean {
  return error instanceof Error && 'routine' in error && error.routine === 'ExecFindPartition';
}
