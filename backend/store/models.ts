import type { Interpretation } from '#fhe';
import type { BundlePart } from '#protocol/manifest.ts';
import { DEFAULT_OUTPUT, OutputPolicy } from '#protocol/output-policy.ts';
import type { Database } from './database.ts';
import { ParsedTexts } from './parsed-texts.ts';

/** A protected network: everything about it that is not secret. Its bundle parts are files named by their digest. */
export type ModelRecord = {
  readonly name: string;
  readonly version: number;
  readonly createdMs: number;
  readonly labels: readonly string[];
  readonly ringDegree: number;
  readonly logQP: number;
  /** Those of its first key set; see `protections.ts`. */
  readonly parts: readonly BundlePart[];
  /** SHA-256 of the imported ONNX file, hex; the file itself is stored sealed. */
  readonly onnxSha256: string;
  /** Digest of the answer to the self-test inputs under the first key set, by interpreter. */
  readonly selfTest: { readonly engine?: string; readonly reference?: string };
  /** Exact length of a serialized answer. */
  readonly answerBytes: number;
  readonly interpretation: Interpretation;
  /** How much of its answers leaves the thread that decrypts. */
  readonly output: OutputPolicy;
  /** Null while it is in service. */
  readonly retirement: Retirement | null;
};

/** Since when nothing new is deployed of a network, and from when its answers are refused, ms since the epoch. */
export type Retirement = { readonly sinceMs: number; readonly refusedFromMs: number };

/** A network that was just protected. */
export type NewModel = Omit<ModelRecord, 'retirement' | 'output'>;

type Description = Omit<NewModel, 'name' | 'version' | 'createdMs'>;
type Row = {
  name: string;
  version: number;
  created_ms: number;
  description: string;
  retired_ms: number | null;
  refused_from_ms: number | null;
  output: string | null;
};

function toText(record: NewModel): string {
  const { name: _name, version: _version, createdMs: _createdMs, ...description } = record;
  const { interpretation } = description;
  return JSON.stringify({
    ...description,
    interpretation: { ...interpretation, expected: Array.from(interpretation.expected) },
  });
}

/** Inverse of {@link toText}. */
function fromText(text: string): Description {
  const description = JSON.parse(text) as Description;
  const expected = Int32Array.from(description.interpretation.expected);
  return { ...description, interpretation: { ...description.interpretation, expected } };
}

function fromRow(row: Row, description: Description): ModelRecord {
  return {
    ...description,
    name: row.name,
    version: row.version,
    createdMs: row.created_ms,
    output: outputOf(row, description.interpretation),
    retirement:
      row.retired_ms === null
        ? null
        : { sinceMs: row.retired_ms, refusedFromMs: row.refused_from_ms ?? row.retired_ms },
  };
}

/** A version that counts has no events, also where the version before it had: then it tells counts alone. */
function outputOf({ output }: Row, { task }: Pick<Interpretation, 'task'>): OutputPolicy {
  const policy = output === null ? DEFAULT_OUTPUT : OutputPolicy.parse(JSON.parse(output));
  return policy.output === 'event' && (task === 'count' || task === 'map') ? { output: 'label' } : policy;
}

export class ModelStore {
  readonly #database: Database;
  /** Each answer is checked against its network, twice. */
  readonly #descriptions = new ParsedTexts(fromText);

  constructor(database: Database) {
    this.#database = database;
  }

  /** @returns the version that the next protection of this name will get, starting at 1. */
  async nextVersion(name: string): Promise<number> {
    const [row] = await this.#database.all<{ last: number | null }>(
      'SELECT MAX(version) AS last FROM models WHERE name = ?',
      name,
    );
    return (row?.last ?? 0) + 1;
  }

  /** Adds a network with its first key set, which no gateway has taken; its answers tell as much as those of the version before it. Call it in a transaction. */
  async add(record: NewModel): Promise<void> {
    await this.#database.run(
      `INSERT INTO models (name, version, created_ms, description, output) VALUES (?, ?, ?, ?,
         (SELECT output FROM models WHERE name = ? AND version < ? ORDER BY version DESC LIMIT 1))`,
      record.name,
      record.version,
      record.createdMs,
      toText(record),
      record.name,
      record.version,
    );
    await this.#database.run(
      'INSERT INTO protections (model, version, number, created_ms, shared) VALUES (?, ?, 1, ?, 0)',
      record.name,
      record.version,
      record.createdMs,
    );
  }

  /** Says how much its answers tell from now on. @returns false where there is no such network. */
  async setOutput(name: string, version: number, output: OutputPolicy): Promise<boolean> {
    const changed = await this.#database.run(
      'UPDATE models SET output = ? WHERE name = ? AND version = ?',
      JSON.stringify(output),
      name,
      version,
    );
    return changed === 1;
  }

  /** @param version the newest by default. */
  async get(name: string, version?: number): Promise<ModelRecord | null> {
    const [row] =
      version === undefined
        ? await this.#database.all<Row>(
            'SELECT * FROM models WHERE name = ? ORDER BY version DESC LIMIT 1',
            name,
          )
        : await this.#database.all<Row>('SELECT * FROM models WHERE name = ? AND version = ?', name, version);
    return row === undefined ? null : this.#record(row);
  }

  /** Takes a network out of service, or back with null. @returns false where there is none, or it was so already. */
  async setRetirement(name: string, version: number, retirement: Retirement | null): Promise<boolean> {
    const changed = await this.#database.run(
      `UPDATE models SET retired_ms = ?, refused_from_ms = ? WHERE name = ? AND version = ?
       AND (retired_ms IS NULL) <> (${retirement === null ? '1 = 1' : '1 = 0'})`,
      retirement?.sinceMs ?? null,
      retirement?.refusedFromMs ?? null,
      name,
      version,
    );
    return changed === 1;
  }

  async list(): Promise<ModelRecord[]> {
    return (await this.#database.all<Row>('SELECT * FROM models ORDER BY name, version')).map((row) =>
      this.#record(row),
    );
  }

  #record(row: Row): ModelRecord {
    return fromRow(row, this.#descriptions.get(row.description));
  }
}
