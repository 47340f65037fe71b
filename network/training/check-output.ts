import { constants, existsSync } from 'node:fs';
import { access, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { NetworkError } from '#network/errors.ts';

/**
 * Sees before the work, which may take hours, that its outcome can be kept.
 *
 * @throws NetworkError NETWORK_TRAINING where a network is there already, or the folder cannot be made or written to.
 */
export async function checkOutput(out: string, name: string, force = false): Promise<void> {
  const file = join(out, `${name}.onnx`);
  if (existsSync(file) && !force)
    throw new NetworkError(
      'NETWORK_TRAINING',
      `${file} is there already: give another folder with --out, or --force to overwrite it`,
    );
  try {
    await mkdir(out, { recursive: true });
    await access(out, constants.W_OK);
  } catch (cause) {
    throw new NetworkError(
      'NETWORK_TRAINING',
      `${out} cannot be written to (${(cause as Error).message}): give another folder with --out`,
      { cause },
    );
  }
}
