import { createHash } from 'node:crypto';
import { open, readFile, rename, rm } from 'node:fs/promises';
import { NetworkError } from '../errors.ts';

/** What a long training keeps to go on later: numbers and texts as JSON, and arrays by name. */
export type Resumable = {
  readonly about: unknown;
  readonly arrays: ReadonlyMap<string, Float32Array>;
};

/** What a training is of: each part has a digest, or the settings themselves as text. */
export type TrainingIdentity = Readonly<Record<string, string>>;

const MAGIC = Buffer.from('BLINDSIGHT-RESUME-1\n');
const DIGEST_BYTES = 32;

type Header = {
  readonly identity: TrainingIdentity;
  readonly about: unknown;
  readonly arrays: readonly { readonly name: string; readonly size: number }[];
};

function refuse(file: string, reason: string, options?: ErrorOptions): never {
  throw new NetworkError('NETWORK_RESUME', `${file}: ${reason}`, options);
}

/** Hexadecimal SHA-256 of the parts, one after the other. */
export function digestOf(...parts: readonly (Uint8Array | string)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
}

/** The bytes of an array of floats. */
export function bytesOf(values: Float32Array | Float64Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

/** Writes the state of a training, whole or not at all: beside the file first, then in its place. */
export async function writeResumeFile(
  file: string,
  identity: TrainingIdentity,
  { about, arrays }: Resumable,
): Promise<void> {
  const listed = [...arrays].map(([name, values]) => ({ name, size: values.length }));
  const header = Buffer.from(JSON.stringify({ identity, about, arrays: listed } satisfies Header));
  const size = Buffer.alloc(4);
  size.writeUInt32LE(header.length);
  const parts = [MAGIC, size, header, ...[...arrays.values()].map(bytesOf)];
  const beside = `${file}.${process.pid}.tmp`;
  try {
    const handle = await open(beside, 'w');
    try {
      for (const part of parts) await handle.writeFile(part);
      await handle.writeFile(Buffer.from(digestOf(...parts), 'hex'));
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(beside, file);
  } catch (cause) {
    await rm(beside, { force: true });
    refuse(file, `cannot be written: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

async function readIfThere(file: string): Promise<Buffer | null> {
  try {
    return await readFile(file);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
    return refuse(file, `cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
  }
}

/**
 * Reads the state that a training of the same identity has left; null if there is no such file.
 *
 * @throws NetworkError NETWORK_RESUME if it is damaged, or of another training: the message names what differs.
 */
export async function readResumeFile(file: string, identity: TrainingIdentity): Promise<Resumable | null> {
  const bytes = await readIfThere(file);
  if (bytes === null) return null;
  const body = bytes.subarray(0, -DIGEST_BYTES);
  if (!bytes.subarray(0, MAGIC.length).equals(MAGIC)) refuse(file, 'is no resume file of this version');
  if (digestOf(body) !== bytes.subarray(-DIGEST_BYTES).toString('hex')) refuse(file, 'is damaged or cut off');
  const start = MAGIC.length + 4;
  const end = start + body.readUInt32LE(MAGIC.length);
  // Its digest fits, so it is as it was written.
  const header = JSON.parse(body.toString('utf8', start, end)) as Header;
  const different = Object.keys({ ...header.identity, ...identity }).filter(
    (part) => header.identity[part] !== identity[part],
  );
  if (different.length > 0) {
    refuse(
      file,
      `belongs to another training: its ${different.join(', ')} differ; give what it was begun with`,
    );
  }
  const arrays = new Map<string, Float32Array>();
  let at = end;
  for (const { name, size } of header.arrays) {
    const values = new Float32Array(size);
    bytesOf(values).set(body.subarray(at, at + 4 * size));
    arrays.set(name, values);
    at += 4 * size;
  }
  return { about: header.about, arrays };
}
