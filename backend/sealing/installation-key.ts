import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { BlindsightError } from '#protocol/errors.ts';
import { readSecretFile, writeFileAtomic } from '#runtime/files.ts';

/** Length of the installation key: AES-256. */
export const KEY_BYTES = 32;

/** File name below systemd's credentials folder. */
const CREDENTIAL = 'installation-key';

/** Makes a new installation key, readable by its owner only. */
export async function createInstallationKey(file: string): Promise<void> {
  await writeFileAtomic(file, randomBytes(KEY_BYTES), { mode: 0o600 });
}

/**
 * Reads the installation key: `$CREDENTIALS_DIRECTORY/installation-key` where systemd provides it, else `file`.
 *
 * @throws BlindsightError INSTALLATION_KEY_INVALID naming the file; SECRET_EXPOSED where others may read it.
 */
export async function readInstallationKey(
  file: string,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<Uint8Array> {
  const directory = environment.CREDENTIALS_DIRECTORY;
  const credential = directory === undefined ? null : join(directory, CREDENTIAL);
  const path = credential !== null && existsSync(credential) ? credential : file;
  if (!existsSync(path)) {
    throw new BlindsightError('INSTALLATION_KEY_INVALID', `the installation key ${path} does not exist`);
  }
  const key = await readSecretFile(path);
  if (key.length !== KEY_BYTES) {
    throw new BlindsightError(
      'INSTALLATION_KEY_INVALID',
      `the installation key ${path} has ${key.length} bytes, ${KEY_BYTES} are expected`,
    );
  }
  return key;
}
