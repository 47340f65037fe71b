/** See progress.mjs. */
export const PACE_MS: number;
/** See progress.mjs. */
export function step<T>(
  title: string,
  work: () => Promise<T>,
  stream?: { isTTY?: boolean; write(text: string): unknown },
): Promise<T>;
