import type { CameraConfig } from '#config/schema.ts';
import { readSecretFile } from '#runtime/files.ts';
import { type CameraAddress, cameraAddress } from './address.ts';

/**
 * Where a camera is, with its login from its credentials file where it has one.
 *
 * @throws BlindsightError FILE_UNREADABLE, SECRET_EXPOSED or CAMERA_ADDRESS
 */
export async function readAddress(config: CameraConfig): Promise<CameraAddress> {
  if (config.credentials === undefined) return cameraAddress(config.url);
  const line = (await readSecretFile(config.credentials)).toString('utf8').trim();
  return cameraAddress(config.url, line);
}
