/** A constant or key that may stay in memory or be read for every picture. */
export type MaterialItem = {
  readonly item: number;
  readonly bytes: number;
  /** How often a picture reads it. */
  readonly uses: number;
};

/**
 * Chooses what stays in memory: first what is read more than once for a picture, the most used first. What is read once is chosen so that
 * the rest is spread evenly over the run: while the tape works on what is in memory, the disk reads what is not.
 *
 * @param items in the order of their first use
 * @param bytes of memory for them
 * @returns the numbers of those that stay
 */
export function chooseResident(items: readonly MaterialItem[], bytes: number): Set<number> {
  const chosen = new Set<number>();
  let left = bytes;
  const take = ({ item, bytes: own }: MaterialItem): void => {
    if (own > left) return;
    left -= own;
    chosen.add(item);
  };
  for (const entry of items.filter(({ uses }) => uses > 1).sort((a, b) => b.uses - a.uses)) take(entry);
  const once = items.filter(({ uses }) => uses === 1);
  const total = once.reduce((sum, entry) => sum + entry.bytes, 0);
  const share = left / Math.max(1, total);
  let due = 0;
  for (const entry of once) {
    due += entry.bytes * share;
    if (due < entry.bytes) continue;
    due -= entry.bytes;
    take(entry);
  }
  return chosen;
}
