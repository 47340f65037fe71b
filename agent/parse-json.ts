/** The value of a JSON text, or null if it is none: a damaged file of ours is then recovered from what else is on disk. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
