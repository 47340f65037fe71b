import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { BlindsightError } from '#protocol/errors.ts';

export const MANIFEST_FILE = 'backup.json';
/** Of a store in PostgreSQL, as pg_dump writes it; missing where the database was left out. */
export const DUMP_FILE = 'blindsight.dump';

const Part = z.strictObject({
  /** Relative to the folder of the backup; never outside it. */
  path: z.string().regex(/^(?!.*\.\.)[A-Za-z0-9][A-Za-z0-9._/-]*$/),
  bytes: z.number().int().nonnegative(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});

/** What a backup consists of; written last: a folder without it is not a backup. */
export const BackupManifest = z.strictObject({
  format: z.literal(1),
  site: z.string(),
  store: z.enum(['sqlite', 'postgresql']),
  createdTime: z.iso.datetime(),
  /** Of a database that is included: what has to be known before another one is filled with it. Missing in the first such backups. */
  database: z
    .strictObject({
      schema: z.number().int().positive(),
      /** By which the installation key is recognized, as the vault sealed it. */
      keyCheck: z.base64(),
    })
    .optional(),
  parts: z.array(Part),
});
export type BackupManifest = z.infer<typeof BackupManifest>;

/** Reads a file through SHA-256. */
export async function describePart(folder: string, path: string): Promise<BackupManifest['parts'][number]> {
  const file = join(folder, path);
  const hash = createHash('sha256');
  for await (const bytes of createReadStream(file)) hash.update(bytes as Buffer);
  return { path, bytes: (await stat(file)).size, sha256: hash.digest('hex') };
}

/** @throws BlindsightError BACKUP_INVALID */
export async function readManifest(folder: string): Promise<BackupManifest> {
  const file = join(folder, MANIFEST_FILE);
  try {
    return BackupManifest.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch (cause) {
    const why = cause instanceof z.ZodError ? z.prettifyError(cause) : String(cause);
    throw new BlindsightError('BACKUP_INVALID', `${folder} is no whole backup: ${why}`, { cause });
  }
}
