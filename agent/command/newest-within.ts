/** The newest of some lines, oldest first, whose bytes (with line ends) are at most so many. */
export function newestWithin(lines: readonly string[], maxBytes: number): readonly string[] {
  let bytes = 0;
  let from = lines.length;
  while (from > 0) {
    bytes += Buffer.byteLength(lines[from - 1]!) + 1;
    if (bytes > maxBytes) break;
    from--;
  }
  return lines.slice(from);
}
