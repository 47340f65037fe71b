import { constants, existsSync } from 'node:fs';
import { access, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { NetworkError } from '#network/errors.ts';

/**
 * Checks before the work, which may take hours, that its result can be saved.
 *
 * @throws NetworkError NETWORK_TRAINING if there already is a network, or the folder cannot be created or written to.
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
