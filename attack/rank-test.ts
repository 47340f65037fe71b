/**
 * Mann and Whitney's test of whether one group's values tend to be larger than another's, two-sided, with ties, by the normal approximation; good from
 * some ten values in each group on.
 *
 * @returns the probability of a difference like this or larger where nothing but chance decides which value is in which group
 */
export function rankTest(first: readonly number[], second: readonly number[]): number {
  const all = [
    ...first.map((value) => ({ value, isFirst: true })),
    ...second.map((value) => ({ value, isFirst: false })),
  ];
  all.sort((a, b) => a.value - b.value);
  const [n, m, count] = [first.length, second.length, all.length];
  let [rankSum, ties] = [0, 0];
  for (let from = 0; from < count; ) {
    let end = from + 1;
    while (end < count && all[end]!.value === all[from]!.value) end++;
    const rank = (from + 1 + end) / 2;
    for (let i = from; i < end; i++) if (all[i]!.isFirst) rankSum += rank;
    ties += (end - from) ** 3 - (end - from);
    from = end;
  }
  const mean = (n * (count + 1)) / 2;
  const variance = ((n * m) / 12) * (count + 1 - ties / (count * (count - 1)));
  if (!(variance > 0)) return 1;
  const z = Math.max(0, Math.abs(rankSum - mean) - 0.5) / Math.sqrt(variance);
  return upperTail(z) * 2;
}

/** Of the normal distribution; Abramowitz and Stegun, 26.2.17, error below 7.5e-8. */
function upperTail(z: number): number {
  const t = 1 / (1 + 0.2316419 * z);
  const series = [0.31938153, -0.356563782, 1.781477937, -1.821255978, 1.330274429];
  const sum = series.reduceRight((rest, factor) => (rest + factor) * t, 0);
  return (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * sum;
}
