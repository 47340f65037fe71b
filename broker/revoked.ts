import { readFileSync } from 'node:fs';

/**
 * Reads the names of removed gateways. Reads the file every time: the command line writes it while the broker runs.
 *
 * @returns no names if there is no such file
 * @throws the read error if the file cannot be read: nobody may be admitted then
 */
export function readRevoked(file: string): ReadonlySet<string> {
  try {
    const names = readFileSync(file, 'utf8').split('\n');
    return new Set(names.map((name) => name.trim()).filter((name) => name !== ''));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return new Set();
    throw error;
  }
}
