import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What a program for Linux asks of the C library and of that of C++, as Debian says it. */
const LIBRARIES = [
  { symbol: /GLIBC_(2\.\d+)/g, package: 'libc6', version: (found: string) => found },
  {
    symbol: /GLIBCXX_3\.4\.(\d+)/g,
    package: 'libstdc++6',
    // GCC 5.2 brought GLIBCXX_3.4.21, and each release since then one or two more; later than needed is safe.
    version: (found: string) => (Number(found) <= 21 ? '5.2' : Number(found) <= 22 ? '6' : '12'),
  },
] as const;

/**
 * Dependencies of the compiled files in a folder, for the control file: the newest version of each symbol that one of them names.
 *
 * @returns for example `libc6 (>= 2.28)`
 */
export function libraryDependencies(folder: string): string[] {
  const newest = new Map<string, number[]>();
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !/^node$|\.node$|\.so(\.|$)/.test(entry.name)) continue;
    const bytes = readFileSync(join(entry.parentPath, entry.name));
    if (bytes.readUInt32BE(0) !== 0x7f454c46) continue;
    const text = bytes.toString('latin1');
    for (const { symbol, package: name } of LIBRARIES) {
      for (const [, found] of text.matchAll(symbol)) {
        const numbers = found!.split('.').map(Number);
        if (compare(numbers, newest.get(name) ?? [0]) > 0) newest.set(name, numbers);
      }
    }
  }
  const found = LIBRARIES.flatMap(({ package: name, version }) => {
    const numbers = newest.get(name);
    return numbers === undefined ? [] : [`${name} (>= ${version(numbers.join('.'))})`];
  });
  return [...found, 'libgcc-s1'];
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
