/** Prints rows as left-aligned columns under a heading. */
export function printTable(heading: readonly string[], rows: readonly (readonly string[])[]): void {
  const lines = [heading, ...rows];
  const widths = heading.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  for (const line of lines) {
    const text = line.map((cell, column) => cell.padEnd(widths[column]!)).join('   ');
    process.stdout.write(`${text.trimEnd()}\n`);
  }
}

/** Prints a value as JSON for other programs. */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}

/** Bytes in a readable unit. */
export function formatBytes(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`;
  if (bytes < 1_000_000) return `${(bytes / 1_000).toFixed(1)} kB`;
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}

/** Total bytes of all parts of a bundle. */
export function totalBytes(parts: readonly { readonly bytes: number }[]): number {
  return parts.reduce((sum, part) => sum + part.bytes, 0);
}

/** Prints a note for a person, separate from the results. */
export function note(text: string): void {
  process.stderr.write(`… ${text}\n`);
}

/** Text of others in one line that a terminal does not obey: control and format characters become question marks. */
export function printable(text: string): string {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '?');
}

/** A release as a person reads it: "counter version 2 (release 5)". */
export function formatRelease(one: {
  readonly name: string;
  readonly version: number;
  readonly release: number;
}): string {
  return `${one.name} version ${one.version} (release ${one.release})`;
}
