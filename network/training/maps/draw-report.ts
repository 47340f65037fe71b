import { drawPlot } from '../drawing/plot.ts';
import type { PointScore } from './score-points.ts';
import type { ThresholdScore } from './sweep-thresholds.ts';

const TRUTH = '#111';
const NETWORK = '#2563eb';
const BASELINE = '#c2410c';

/** Where the chosen threshold and the baseline lie. */
export type CurveSpots = {
  readonly chosen: Pick<PointScore, 'precision' | 'recall'>;
  readonly baseline?: Pick<PointScore, 'precision' | 'recall'>;
};

/** Precision over recall, with a spot for the threshold that was chosen and one for background subtraction, as SVG. */
export function drawPrecisionRecall(
  sweep: readonly ThresholdScore[],
  { chosen, baseline }: CurveSpots,
  title: string,
): string {
  const spot = (name: string, color: string, { precision, recall }: CurveSpots['chosen']) => ({
    ...{ name, color },
    at: [recall, precision] as const,
  });
  return drawPlot({
    title,
    ...{ width: 420, height: 400 },
    x: { name: 'recall', from: 0, to: 1 },
    y: { name: 'precision', from: 0, to: 1 },
    lines: [
      {
        name: 'network, by threshold',
        color: NETWORK,
        // Above the highest peak nothing is found.
        points: sweep.filter(({ recall }) => recall > 0).map(({ precision, recall }) => [recall, precision]),
      },
    ],
    spots: [
      spot('as released', '#15803d', chosen),
      ...(baseline ? [spot('background subtraction', BASELINE, baseline)] : []),
    ],
  });
}

/** How many are there and how many were found, frame by frame, as SVG. */
export function drawCounts(
  counts: readonly { readonly frame: number; readonly there: number; readonly found: number }[],
  title: string,
): string {
  const frames = counts.map(({ frame }) => frame);
  const most = Math.max(1, ...counts.flatMap(({ there, found }) => [there, found]));
  const line = (name: string, color: string, which: 'there' | 'found') => ({
    ...{ name, color, steps: true },
    points: counts.map((count) => [count.frame, count[which]] as const),
  });
  return drawPlot({
    title,
    ...{ width: 900, height: 280 },
    x: { name: 'frame', from: frames[0] ?? 0, to: Math.max((frames[0] ?? 0) + 1, frames.at(-1) ?? 1) },
    y: { name: 'number', from: 0, to: most + 1 },
    lines: [line('there', TRUTH, 'there'), line('found', NETWORK, 'found')],
  });
}
