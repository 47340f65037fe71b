import { shareText } from './share-text.ts';

/** counts[truth][answer]. */
export type Confusion = readonly (readonly number[])[];

/** Counts answers (largest logit) against labels. */
export function countConfusion(
  logits: ArrayLike<number>,
  truth: ArrayLike<number>,
  classes: number,
): Confusion {
  const counts = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  for (let n = 0; n < truth.length; n++) {
    let best = 0;
    for (let k = 1; k < classes; k++) if (logits[n * classes + k]! > logits[n * classes + best]!) best = k;
    counts[truth[n]!]![best]!++;
  }
  return counts;
}

/** Share of right answers, 0 to 1. */
export function confusionAccuracy(confusion: Confusion): number {
  const right = confusion.reduce((sum, row, truth) => sum + row[truth]!, 0);
  return right / confusion.flat().reduce((sum, count) => sum + count, 0);
}

/** A share of right answers with its counts: "98.91 % (989 of 1000)". */
export function rateText(share: number, pictures: number): string {
  return `${shareText(share)} (${Math.round(share * pictures)} of ${pictures})`;
}

/** A Markdown table: a row for each truth, a column for each answer. */
export function confusionTable(confusion: Confusion, labels: readonly string[]): string {
  const lines = [
    `| truth ↓ answer → | ${labels.join(' | ')} |`,
    `|---|${labels.map(() => '---:|').join('')}`,
    ...confusion.map((row, truth) => `| **${labels[truth]}** | ${row.join(' | ')} |`),
  ];
  return lines.join('\n');
}

/** Share of the logits' largest entries that are the label. */
export function accuracyOf(logits: Float32Array, labels: Uint8Array): number {
  const classes = logits.length / labels.length;
  let hits = 0;
  labels.forEach((label, n) => {
    const row = logits.subarray(n * classes, (n + 1) * classes);
    if (row[label] === Math.max(...row)) hits++;
  });
  return hits / labels.length;
}
