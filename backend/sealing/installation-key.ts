import { randomBytes } from 'node:crypto';
import { existsSync, fstatSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { BlindsightError } from '#protocol/errors.ts';
import { readSecretFile, writeFileAtomic } from '#runtime/files.ts';
import { wrongUser } from '#runtime/wrong-user.ts';

/** Length of the installation key: AES-256. */
export const KEY_BYTES = 32;

/** File name below systemd's credentials folder. */
const CREDENTIAL = 'installation-key';

/** Makes a new installation key, readable by its owner only. */
export async function createInstallationKey(file: string): Promise<void> {
  await writeFileAtomic(file, randomBytes(KEY_BYTES), { mode: 0o600 });
}

/**
 * Reads the installation key: `$CREDENTIALS_DIRECTORY/installation-key` where systemd provides it, else `file`, which this user need
 * not be able to open where `$BLINDSIGHT_INSTALLATION_KEY_FD` is the number under which it is open (the command of an installed site: root opens
 * the key, another user runs).
 *
 * @throws BlindsightError INSTALLATION_KEY_INVALID naming the file; SECRET_EXPOSED where others may read it; WRONG_USER where this user may not.
 */
export async function readInstallationKey(
  file: string,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<Uint8Array> {
  const handed = Number(environment.BLINDSIGHT_INSTALLATION_KEY_FD);
  if (isOpenAs(handed, file)) return checkLength(readOpenFile(handed), file);
  const directory = environment.CREDENTIALS_DIRECTORY;
  const credential = directory === undefined ? null : join(directory, CREDENTIAL);
  const path = credential !== null && existsSync(credential) ? credential : file;
  if (!existsSync(path)) {
    throw new BlindsightError('INSTALLATION_KEY_INVALID', `the installation key ${path} does not exist`);
  }
  const key = await readSecretFile(path).catch(async (error: BlindsightError) => {
    const code = (error.cause as NodeJS.ErrnoException | undefined)?.code;
    throw code === 'EACCES' ? wrongUser(path, statSync(path).uid) : error;
  });
  return checkLength(key, path);
}

/** False as well where nothing is open under the number. */
function isOpenAs(descriptor: number, file: string): boolean {
  try {
    const [open, named] = [fstatSync(descriptor), statSync(file)];
    return open.dev === named.dev && open.ino === named.ino;
  } catch {
    return false;
  }
}

/** From its beginning, however often it is read. */
function readOpenFile(descriptor: number): Buffer {
  const bytes = Buffer.alloc(KEY_BYTES + 1);
  return bytes.subarray(0, readSync(descriptor, bytes, 0, bytes.length, 0));
}

function checkLength(key: Buffer, path: string): Uint8Array {
  if (key.length !== KEY_BYTES) {
    throw new BlindsightError(
      'INSTALLATION_KEY_INVALID',
      `the installation key ${path} has ${key.length} bytes, ${KEY_BYTES} are expected`,
    );
  }
  return key;
}
