import { readFileSync } from 'node:fs';

/** What the site has withdrawn. */
export type Revoked = {
  /** Names of gateways that were removed: whatever certificate they show. */
  readonly gateways: ReadonlySet<string>;
  /** Serial numbers of single certificates, hex, upper case. */
  readonly serials: ReadonlySet<string>;
};

/** Before a serial number in the file; no name can begin with it. */
const SERIAL = 'serial:';

/**
 * Reads what was withdrawn. Reads the file every time: the command line writes it while the broker runs.
 *
 * @returns nothing if there is no such file
 * @throws the read error if the file cannot be read: nobody may be admitted then
 */
export function readRevoked(file: string): Revoked {
  const lines = readLines(file);
  return {
    gateways: new Set(lines.filter((line) => !line.startsWith(SERIAL))),
    serials: new Set(
      lines.filter((line) => line.startsWith(SERIAL)).map((line) => line.slice(SERIAL.length).toUpperCase()),
    ),
  };
}

function readLines(file: string): string[] {
  try {
    return readFileSync(file, 'utf8')
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}
