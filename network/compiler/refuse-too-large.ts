import type { VerifiedProgram } from '#fhe';
import { NetworkError } from '#network/errors.ts';

/** Of the address space of WebAssembly, 4 GiB, what is left for values: constants and keys can be read from disk through a window. */
const MOST_REGISTER_BYTES = 3 * 2 ** 30;
/** Of constants and keys, expanded: at a gigabyte a second a picture would take two minutes to read alone. */
const MOST_MATERIAL_BYTES = 128 * 2 ** 30;

/**
 * Refuses a program that no gateway could run, before its weights are laid out.
 *
 * @throws NetworkError NETWORK_TOO_LARGE
 */
export function refuseTooLarge({
  registerBytes,
  memoryBytes,
}: Pick<VerifiedProgram, 'registerBytes' | 'memoryBytes'>): void {
  const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;
  const advice = 'use fewer maps, units or layers (`blindsight explain` says what takes them)';
  if (registerBytes > MOST_REGISTER_BYTES) {
    throw new NetworkError(
      'NETWORK_TOO_LARGE',
      `the engine would need ${gigabytes(registerBytes)} for values alone, of the 4 GB that WebAssembly can address; ${advice}`,
    );
  }
  if (memoryBytes - registerBytes > MOST_MATERIAL_BYTES) {
    throw new NetworkError(
      'NETWORK_TOO_LARGE',
      `constants and keys would take ${gigabytes(memoryBytes - registerBytes)} expanded, more than the ${gigabytes(MOST_MATERIAL_BYTES)} that are allowed; ${advice}`,
    );
  }
}
