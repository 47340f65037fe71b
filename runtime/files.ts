import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { mkdir, open, readFile, rename, unlink } from 'node:fs/promises';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { BlindsightError } from '#protocol/errors.ts';
import { wrongUser } from './wrong-user.ts';

const SECRET_MAX_BYTES = 1_048_576;

/**
 * Replaces a file so that after a power cut either the complete old or the complete new content is there: temporary file next to it, fsync,
 * rename, fsync of the folder.
 * @param options.mode permission bits of the new file, 0o644 by default; a secret takes 0o600.
 * @param options.after the new content takes its place when this has resolved; it is written meanwhile.
 */
export async function writeFileAtomic(
  path: string,
  data: Uint8Array | string,
  options: { readonly mode?: number; readonly after?: Promise<void> } = {},
): Promise<void> {
  const mode = options.mode ?? 0o644;
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.tmp`);
  try {
    const file = await open(temporary, 'wx', mode);
    try {
      await file.chmod(mode); // open() drops the bits that the umask forbids
      await file.writeFile(data);
      await file.sync();
    } finally {
      await file.close();
    }
    await options.after;
    await rename(temporary, path);
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    throw error;
  }
  await syncFolder(dirname(path));
}

/** Makes changes to the entries of a folder (rename, unlink) survive a power cut. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Creates a folder and its parents if they are missing; `mode` (0o700 by default) applies to the folders it makes. */
export async function ensureDirectory(path: string, mode = 0o700): Promise<void> {
  const made = await mkdir(path, { recursive: true, mode });
  if (made !== undefined) await syncFolder(dirname(made));
}

/**
 * Reads a file that anybody may know: a certificate, a public key.
 * @throws BlindsightError FILE_UNREADABLE.
 */
export async function readPublicFile(path: string): Promise<Buffer> {
  return await readFile(path).catch((cause: unknown) => {
    throw unreadable(path, cause);
  });
}

/**
 * Reads a file that only its owner may know: a key, a token, a password.
 * Below `$CREDENTIALS_DIRECTORY` a group's read bit is allowed: systemd shows the access list of the service's user there.
 * @throws BlindsightError FILE_UNREADABLE, SECRET_EXPOSED if other users can read or write it, WRONG_USER if another user, other than root, owns it.
 */
export async function readSecretFile(path: string): Promise<Buffer> {
  const file = await open(path, 'r').catch((cause: unknown) => {
    throw unreadable(path, cause);
  });
  try {
    const { mode, uid, size } = await file.stat();
    const exposed = mode & (isCredential(path) ? 0o037 : 0o077);
    const octal = (mode & 0o777).toString(8).padStart(4, '0');
    if (exposed !== 0) {
      throw new BlindsightError(
        'SECRET_EXPOSED',
        `${path} has mode ${octal}; others can use it. Run chmod 600`,
      );
    }
    if (uid !== 0 && uid !== process.geteuid?.()) {
      throw wrongUser(path, uid);
    }
    if (size > SECRET_MAX_BYTES) {
      throw new BlindsightError('FILE_UNREADABLE', `${path} has ${size} bytes, too many for a secret`);
    }
    return await file.readFile().catch((cause: unknown) => {
      throw unreadable(path, cause);
    });
  } finally {
    await file.close();
  }
}

function isCredential(path: string): boolean {
  const folder = process.env.CREDENTIALS_DIRECTORY;
  return folder !== undefined && resolve(path).startsWith(resolve(folder) + sep);
}

function unreadable(path: string, cause: unknown): BlindsightError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new BlindsightError('FILE_UNREADABLE', `cannot read ${path}: ${why}`, { cause });
}
