/** A measurement at a time, ms. */
export type Reading = { readonly timeMs: number; readonly value: number };

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

/**
 * By how much a value grows in an hour: the slope of the line that is nearest to the lowest reading of each minute. The lowest, because memory rises until it is collected, and what
 * stays is what was not.
 *
 * @returns null where there are less than three minutes
 */
export function hourlyGrowth(readings: readonly Reading[]): number | null {
  const minutes = Map.groupBy(readings, ({ timeMs }) => Math.floor(timeMs / MINUTE_MS));
  const lowest = [...minutes.values()].map((list) =>
    list.reduce((least, one) => (one.value < least.value ? one : least)),
  );
  if (lowest.length < 3) return null;
  const mean = (value: (one: Reading) => number) =>
    lowest.reduce((sum, one) => sum + value(one), 0) / lowest.length;
  const [meanMs, meanValue] = [mean(({ timeMs }) => timeMs), mean(({ value }) => value)];
  let [above, below] = [0, 0];
  for (const { timeMs, value } of lowest) {
    above += (timeMs - meanMs) * (value - meanValue);
    below += (timeMs - meanMs) ** 2;
  }
  return (above / below) * HOUR_MS;
}
