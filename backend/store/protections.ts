import type { BundlePart } from '#protocol/manifest.ts';
import type { Database } from './database.ts';
import { ParsedTexts } from './parsed-texts.ts';

/** Which keys: number n of a version of a network. */
export type KeySetId = { readonly model: string; readonly version: number; readonly number: number };

/**
 * The keys of a protected network, and all that was encrypted under them: public key, constants, evaluation keys, self-test. The program is the
 * same in all key sets of a network. Number 1 comes with the network itself.
 */
export type KeySetRecord = KeySetId & {
  readonly createdMs: number;
  /** The only gateway that ever gets it; null where none has taken it yet, or where it is shared. */
  readonly gateway: string | null;
  /** Whether any number of gateways get it. */
  readonly isShared: boolean;
  readonly parts: readonly BundlePart[];
  /** Digest of the answer to the self-test inputs, by interpreter. */
  readonly selfTest: { readonly engine?: string; readonly reference?: string };
  /** Null while it is in use. */
  readonly retirement: KeySetRetirement | null;
};

/** Since when nothing new is deployed with a key set, and from when its answers are refused, ms since the epoch. */
export type KeySetRetirement = {
  readonly sinceMs: number;
  readonly refusedFromMs: number;
  readonly reason: string;
  /** When its parts were removed from the disk; null while they are there. */
  readonly clearedMs: number | null;
};

export type NewKeySet = Omit<KeySetRecord, 'retirement' | 'isShared'>;

type Material = Pick<KeySetRecord, 'parts' | 'selfTest'>;
type Row = {
  model: string;
  version: number;
  number: number;
  created_ms: number;
  gateway: string | null;
  shared: number;
  material: string | null;
  description: string;
  retired_ms: number | null;
  refused_from_ms: number | null;
  reason: string | null;
  cleared_ms: number | null;
};

const SELECT = `SELECT p.*, m.description FROM protections AS p
  JOIN models AS m ON m.name = p.model AND m.version = p.version`;

/** Inverse of what `add` writes, and a part of what a network's record says. */
const fromText = (text: string): Material => JSON.parse(text) as Material;

function fromRow(row: Row, read: (text: string) => Material = fromText): KeySetRecord {
  // What belongs to number 1 is in the record of the network.
  const { parts, selfTest } = read(row.material ?? row.description);
  return {
    model: row.model,
    version: row.version,
    number: row.number,
    createdMs: row.created_ms,
    gateway: row.gateway,
    isShared: row.shared === 1,
    parts,
    selfTest,
    retirement: retirementOf(row),
  };
}

type RetirementRow = Pick<Row, 'retired_ms' | 'refused_from_ms' | 'reason' | 'cleared_ms'>;

function retirementOf(row: RetirementRow): KeySetRecord['retirement'] {
  if (row.retired_ms === null) return null;
  return {
    sinceMs: row.retired_ms,
    refusedFromMs: row.refused_from_ms ?? row.retired_ms,
    reason: row.reason ?? '',
    clearedMs: row.cleared_ms,
  };
}

/** Key sets of protected networks, in the table `protections`. Every change names the state that it starts from, so that two at once cannot both be made. */
export class ProtectionStore {
  readonly #database: Database;
  /** Each answer is checked against its key set, twice. */
  readonly #materials = new ParsedTexts(fromText);

  constructor(database: Database) {
    this.#database = database;
  }

  /** @returns the number that the next key set of a network will get, starting at 1. */
  async nextNumber(model: string, version: number): Promise<number> {
    const [row] = await this.#database.all<{ last: number | null }>(
      'SELECT MAX(number) AS last FROM protections WHERE model = ? AND version = ?',
      model,
      version,
    );
    return (row?.last ?? 0) + 1;
  }

  /** Adds a key set. One with the same number, or a second one in use of the same gateway, is a database error. */
  async add({ model, version, number, createdMs, gateway, parts, selfTest }: NewKeySet): Promise<void> {
    await this.#database.run(
      `INSERT INTO protections (model, version, number, created_ms, gateway, shared, material)
       VALUES (?, ?, ?, ?, ?, 0, ?)`,
      model,
      version,
      number,
      createdMs,
      gateway,
      JSON.stringify({ parts, selfTest }),
    );
  }

  async get({ model, version, number }: KeySetId): Promise<KeySetRecord | null> {
    const [row] = await this.#database.all<Row>(
      `${SELECT} WHERE p.model = ? AND p.version = ? AND p.number = ?`,
      model,
      version,
      number,
    );
    return row === undefined ? null : fromRow(row, (text) => this.#materials.get(text));
  }

  /** Whether there is such a key set, and since when it is out of service. */
  async retirement(id: KeySetId): Promise<Pick<KeySetRecord, 'retirement'> | null> {
    const [row] = await this.#database.all<RetirementRow>(
      `SELECT retired_ms, refused_from_ms, reason, cleared_ms FROM protections
       WHERE model = ? AND version = ? AND number = ?`,
      id.model,
      id.version,
      id.number,
    );
    return row === undefined ? null : { retirement: retirementOf(row) };
  }

  /** All of a version of a network, by number. */
  async of(model: string, version: number): Promise<KeySetRecord[]> {
    const rows = await this.#database.all<Row>(
      `${SELECT} WHERE p.model = ? AND p.version = ? ORDER BY p.number`,
      model,
      version,
    );
    return rows.map((row) => fromRow(row));
  }

  /** All of the site, by network, version and number. */
  async list(): Promise<KeySetRecord[]> {
    const rows = await this.#database.all<Row>(`${SELECT} ORDER BY p.model, p.version, p.number`);
    return rows.map((row) => fromRow(row));
  }

  /** Gives a key set that nobody has to one gateway, for ever. @returns false where it is shared, retired, or another's. */
  async take({ model, version, number }: KeySetId, gateway: string): Promise<boolean> {
    const changed = await this.#database.run(
      `UPDATE protections SET gateway = ? WHERE model = ? AND version = ? AND number = ?
       AND shared = 0 AND retired_ms IS NULL AND (gateway IS NULL OR gateway = ?)`,
      gateway,
      model,
      version,
      number,
      gateway,
    );
    return changed === 1;
  }

  /** Lets any number of gateways have a key set, for ever. @returns false where it is retired, or one gateway's. */
  async share({ model, version, number }: KeySetId): Promise<boolean> {
    const changed = await this.#database.run(
      `UPDATE protections SET shared = 1 WHERE model = ? AND version = ? AND number = ?
       AND retired_ms IS NULL AND gateway IS NULL`,
      model,
      version,
      number,
    );
    return changed === 1;
  }

  /** Takes a key set out of use, for ever. @returns false where there is none, or it was so already. */
  async retire(
    { model, version, number }: KeySetId,
    { sinceMs, refusedFromMs, reason }: Omit<KeySetRetirement, 'clearedMs'>,
  ): Promise<boolean> {
    const changed = await this.#database.run(
      `UPDATE protections SET retired_ms = ?, refused_from_ms = ?, reason = ?
       WHERE model = ? AND version = ? AND number = ? AND retired_ms IS NULL`,
      sinceMs,
      refusedFromMs,
      reason,
      model,
      version,
      number,
    );
    return changed === 1;
  }

  /** Notes that the parts of a retired key set are no longer kept. @returns false where it is in use, or was noted before. */
  async setCleared({ model, version, number }: KeySetId, timeMs: number): Promise<boolean> {
    const changed = await this.#database.run(
      `UPDATE protections SET cleared_ms = ? WHERE model = ? AND version = ? AND number = ?
       AND retired_ms IS NOT NULL AND cleared_ms IS NULL`,
      timeMs,
      model,
      version,
      number,
    );
    return changed === 1;
  }
}
