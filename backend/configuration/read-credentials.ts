import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { PushedSettings } from '#config/schema.ts';
import { validateConfig } from '#config/validate.ts';
import { readSecretFile } from '#runtime/files.ts';

/**
 * Reads the files that `credentials` of cameras name, where they are there.
 *
 * @param folder what their paths are relative to
 * @returns `user:password` by camera
 * @throws BlindsightError CONFIG_INVALID, SECRET_EXPOSED, WRONG_USER, FILE_UNREADABLE
 */
export async function readCredentials(
  settings: string,
  origin: string,
  folder: string,
): Promise<Map<string, string>> {
  const credentials = new Map<string, string>();
  for (const camera of validateConfig(settings, PushedSettings, origin).value.cameras) {
    if (camera.credentials === undefined) continue;
    const path = resolve(folder, camera.credentials);
    if (existsSync(path)) credentials.set(camera.name, (await readSecretFile(path)).toString('utf8').trim());
  }
  return credentials;
}
