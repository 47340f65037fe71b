import { type MachineCost, TYPICAL_MACHINE } from './operation-cost.ts';
import { WORK_KINDS, type Work } from './operation-work.ts';

/** Time of one operation, and its work. */
export type Sample = { readonly work: Work; readonly milliseconds: number };

const NAMES = {
  transforms: 'transformNs',
  conversions: 'conversionNs',
  keyProducts: 'keyProductNs',
  products: 'productNs',
  passes: 'passNs',
  samples: 'sampleNs',
  barriers: 'barrierNs',
} as const satisfies Record<keyof Work, keyof MachineCost>;

const SWEEPS = 500;
/** Weight of a unit cost's relative deviation from the typical one, against that of a time: it decides only where times leave a choice. */
const PRIOR = 0.1;

/**
 * Non-negative unit costs that explain measured times with the least relative error (coordinate descent on the squares). Where times
 * alone do not determine them, they stay near those of a typical machine of this speed.
 *
 * @param samples at least as many as there are kinds of work.
 */
export function fitCosts(samples: readonly Sample[], ringDegree: number): MachineCost {
  /** What one nanosecond of a unit cost adds to an operation, relative to its time. */
  const rows = samples.map(({ work, milliseconds }) =>
    WORK_KINDS.map((kind) => {
      const size =
        kind === 'barriers' ? 1 : kind === 'transforms' ? ringDegree * Math.log2(ringDegree) : ringDegree;
      return (work[kind] * size * 1e-6) / milliseconds;
    }),
  );
  const typical = WORK_KINDS.map((kind) => TYPICAL_MACHINE[NAMES[kind]]);
  const predicted = rows.map((row) => row.reduce((sum, part, k) => sum + part * typical[k]!, 0));
  const speed =
    predicted.reduce((sum, part) => sum + part, 0) / predicted.reduce((sum, part) => sum + part ** 2, 0);
  const costs = typical.map((cost) => cost * speed);
  const left = predicted.map((part) => 1 - part * speed);
  costs.forEach((cost, k) => {
    rows.push(costs.map((_, other) => (other === k ? PRIOR / cost : 0)));
    left.push(0);
  });
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    WORK_KINDS.forEach((_, k) => {
      let along = 0;
      let length = 0;
      rows.forEach((row, i) => {
        along += row[k]! * left[i]!;
        length += row[k]! ** 2;
      });
      if (length === 0) return;
      const next = Math.max(0, costs[k]! + along / length);
      const change = next - costs[k]!;
      costs[k] = next;
      rows.forEach((row, i) => {
        left[i]! -= row[k]! * change;
      });
    });
  }
  return Object.fromEntries(WORK_KINDS.map((kind, k) => [NAMES[kind], costs[k]!])) as MachineCost;
}
