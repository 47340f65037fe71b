import { readFileSync } from 'node:fs';

/**
 * Reads the names of withdrawn gateways. Read again whenever it is asked for: the command line writes it while the broker runs.
 *
 * @returns no names where there is no such file
 * @throws what reading throws, where there is one that cannot be read: nobody may be let in then
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
