import { z } from 'zod';
import { BlindsightError } from './errors.ts';
import { Digest } from './names.ts';
import { SOFTWARE_PLATFORMS, type SoftwarePlatform } from './software.ts';

/** The first entry of an archive: what else is in it. The signed manifest holds its digest. */
export const CONTENTS_FILE = 'RELEASE.json';

/** Caps: a real program has 3 500 files with 180 MB, and 600 KB of contents. */
export const CONTENTS_MAX_BYTES = 8 * 2 ** 20;
const MAX_FILES = 20_000;
export const UNPACKED_MAX_BYTES = 2 ** 30;

/** One file of a program. */
export type SoftwareFile = {
  readonly bytes: number;
  /** SHA-256, hex. */
  readonly sha256: string;
  readonly executable: boolean;
};

/** RELEASE.json: every file of a program besides itself, by its path below the program's folder. */
export type SoftwareContents = {
  readonly schema: 1;
  readonly version: string;
  readonly platform: SoftwarePlatform;
  readonly files: Readonly<Record<string, SoftwareFile>>;
};

/** Started by the launcher with `agent --config FILE`. */
export const PROGRAM = 'bin/blindsight';

/** Relative, without a way up or anything that a shell, a terminal or a file system reads in a way of its own. */
function isPlainPath(path: string): boolean {
  const names = path.split('/');
  return (
    path.length <= 240 &&
    path !== CONTENTS_FILE &&
    names.every((name) => /^[\w@+.,=~ -]{1,120}$/.test(name) && name !== '.' && name !== '..')
  );
}

const Shape = z.strictObject({
  schema: z.literal(1),
  version: z.string().max(64),
  platform: z.enum(SOFTWARE_PLATFORMS),
  files: z
    .record(
      z.string().refine(isPlainPath, 'a plain relative path'),
      z.strictObject({
        bytes: z.number().int().nonnegative(),
        sha256: Digest,
        executable: z.boolean(),
      }),
    )
    .refine((files) => files[PROGRAM]?.executable === true, `${PROGRAM} among the files`)
    .refine((files) => Object.keys(files).length <= MAX_FILES, `at most ${MAX_FILES} files`)
    .refine((files) => unpackedBytes(files) <= UNPACKED_MAX_BYTES, 'at most 1 GB unpacked'),
});

/** Bytes that the files take together once they are unpacked. */
export function unpackedBytes(files: SoftwareContents['files']): number {
  return Object.values(files).reduce((sum, { bytes }) => sum + bytes, 0);
}

/**
 * Reads RELEASE.json.
 * @throws BlindsightError SOFTWARE_INVALID, and nothing else, for any other bytes.
 */
export function parseContents(bytes: Uint8Array): SoftwareContents {
  if (bytes.length > CONTENTS_MAX_BYTES)
    throw new BlindsightError('SOFTWARE_INVALID', `${CONTENTS_FILE} has ${bytes.length} bytes`);
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new BlindsightError('SOFTWARE_INVALID', `${CONTENTS_FILE} is not JSON`, { cause });
  }
  const result = Shape.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const where = issue?.path.join(' ').slice(0, 200) || 'value';
  throw new BlindsightError('SOFTWARE_INVALID', `${CONTENTS_FILE}: ${where}: ${issue?.message}`);
}
