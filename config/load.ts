import { open, stat } from 'node:fs/promises';
import { dirname, resolve, sep } from 'node:path';
import type { z } from 'zod';
import { BlindsightError } from '#protocol/errors.ts';
import { pathKind } from './paths.ts';
import { CONFIG_MAX_BYTES, pathText, validateConfig } from './validate.ts';
import { mapLeaves, type Path } from './walk.ts';

/**
 * Reads a YAML configuration and checks it against its schema. Relative paths in it become absolute, against the file's folder.
 * @throws BlindsightError CONFIG_UNREADABLE; CONFIG_INVALID with every mistake, see {@link validateConfig}; SECRET_EXPOSED if a file that it
 *   names as secret can be used by others, or if it holds a camera password itself and everybody can read it.
 */
export async function loadConfig<T>(file: string, schema: z.ZodType<T>): Promise<T> {
  const { text, mode } = await read(file);
  const { value, locate } = validateConfig(text, schema, file);
  const folder = dirname(resolve(file));
  const secrets: { readonly path: Path; readonly file: string }[] = [];
  const withPassword: Path[] = [];
  const config = mapLeaves(schema, value, (leaf, leafSchema, path) => {
    if (typeof leaf !== 'string') return leaf;
    if (/^[a-z]+:\/\/[^/\s]*@/i.test(leaf)) withPassword.push(path);
    const kind = pathKind(leafSchema);
    if (!kind) return leaf;
    const absolute = resolve(folder, leaf);
    if (kind.secret) secrets.push({ path, file: absolute });
    return absolute;
  });

  const exposed: string[] = [];
  if ((mode & 0o007) !== 0) {
    for (const path of withPassword) {
      exposed.push(
        `${locate(path)}: ${pathText(path)}: contains a password, but everybody can read this file; run chmod o= on it`,
      );
    }
  }
  for (const secret of secrets.filter(({ file }) => !isCredential(file))) {
    const secretMode = await modeOf(secret.file);
    if (secretMode === null || (secretMode & 0o077) === 0) continue;
    const octal = (secretMode & 0o777).toString(8).padStart(4, '0');
    exposed.push(
      `${locate(secret.path)}: ${pathText(secret.path)}: ${secret.file} has mode ${octal}, others can use it; run chmod 600 on it`,
    );
  }
  if (exposed.length > 0) throw new BlindsightError('SECRET_EXPOSED', exposed.join('\n'));
  return config;
}

async function read(file: string): Promise<{ text: string; mode: number }> {
  try {
    await using handle = await open(file, 'r');
    const { mode, size } = await handle.stat();
    if (size > CONFIG_MAX_BYTES)
      throw new Error(`it has ${size} bytes, at most ${CONFIG_MAX_BYTES} are allowed`);
    return { text: await handle.readFile('utf8'), mode };
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new BlindsightError('CONFIG_UNREADABLE', `cannot read ${file}: ${why}`, { cause });
  }
}

/** Whether systemd created and guards the file (LoadCredential=); its mode then reflects an access list, not a group. */
function isCredential(file: string): boolean {
  const credentials = process.env.CREDENTIALS_DIRECTORY;
  return credentials !== undefined && file.startsWith(resolve(credentials) + sep);
}

/** The mode of a file; null if it does not exist: whoever needs it reports that, and some secrets are created at the first start. */
async function modeOf(file: string): Promise<number | null> {
  try {
    return (await stat(file)).mode;
  } catch {
    return null;
  }
}
