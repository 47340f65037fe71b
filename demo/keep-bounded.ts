import { copyFile, stat, truncate } from 'node:fs/promises';

const MAX_BYTES = 10 * 2 ** 20;
const CHECK_MS = 10_000;

/**
 * Moves the content of a log to `<file>.1` when it is too large. It is copied and cut, because a daemon holds the file open; lines
 * that are written in between are lost.
 */
export async function rotate(file: string, maxBytes = MAX_BYTES): Promise<void> {
  if ((await stat(file)).size <= maxBytes) return;
  await copyFile(file, `${file}.1`);
  await truncate(file);
}

/** Looks after the size of a log to which others append. @returns how to end that */
export function keepBounded(file: string): () => void {
  // A log that is not there yet, or a full disk: the next look may find it otherwise.
  const timer = setInterval(() => void rotate(file).catch(() => {}), CHECK_MS);
  return () => clearInterval(timer);
}
