import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { rateText } from '#network/model/confusion.ts';
import { shareText } from '#network/model/share-text.ts';
import { contactSheet, evenly } from '#network/training/drawing/contact-sheet.ts';
import { drawCounts, drawPrecisionRecall } from '#network/training/maps/draw-report.ts';
import type { CountScore, PointScore } from '#network/training/maps/score-points.ts';
import { sweepThresholds } from '#network/training/maps/sweep-thresholds.ts';
import type { Rectangle } from '#vision/prepare-picture.ts';
import type { ClipEvaluation } from './evaluate-clip.ts';
import { figureRows } from './figure-rows.ts';

/** Frames on the sheet. */
const SHEET_FRAMES = 24;

/** What `blindsight evaluate --json` prints about a map; the keys are a contract. Without encryption there are no keys about it. */
export function clipEvaluationJson(evaluation: ClipEvaluation): object {
  const { score, released, clear, agreement, worstLogitError, withheld, latencyMs } = evaluation;
  const { ringDegree, logQP, bundleBytes, zones, baselines, firstFrame } = evaluation;
  const { precision, recall, f1 } = released;
  return {
    ...score,
    firstFrame,
    ...{ agreement, worstLogitError, withheld, latencyMs },
    clear,
    released: { precision, recall, f1 },
    ...(zones.length > 0 && { zones }),
    baselines,
    ...{ ringDegree, logQP },
    ...(bundleBytes !== null && { bundleBytes }),
  };
}

const countText = ({ countMeanError, withinOne }: CountScore): readonly string[] => [
  countMeanError.toFixed(2),
  shareText(withinOne),
];

const scoreText = (score: PointScore): readonly string[] => [
  ...[score.precision, score.recall, score.f1].map((value) => value.toFixed(3)),
  ...countText(score),
];

/** The outcome as Markdown: how well things are found, encrypted, in the clear and by the baselines; zones; what it costs. */
export function clipEvaluationText(evaluation: ClipEvaluation): string {
  const { score, released, clear, baselines, zones, bundleBytes, firstFrame, places, agreement } = evaluation;
  const encrypted = bundleBytes === null ? 'as program' : 'encrypted';
  const { meanCount, backgroundSubtraction } = baselines;
  const rows: readonly (readonly string[])[] = [
    [encrypted, ...scoreText(score)],
    [`${encrypted}, points as released (middle of a cell)`, ...scoreText(released)],
    ['in the clear', ...scoreText(clear)],
    ['background subtraction', ...scoreText(backgroundSubtraction)],
    [`always ${meanCount.count.join(', ')}, the mean before`, '', '', '', ...countText(meanCount)],
  ];
  const facts: readonly (readonly [string, string])[] = [
    ['frames', `${places.length}, from frame ${firstFrame} on`],
    ['same points as in the clear, at most a cell away', rateText(agreement, places.length)],
    ...figureRows(evaluation),
  ];
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const zoneRows = zones.map((zone) =>
    line([zone.name, zone.meanThere.toFixed(2), zone.meanFound.toFixed(2), ...countText(zone)]),
  );
  return [
    '| | precision | recall | F1 | mean count error | within ±1 |',
    '|---|---:|---:|---:|---:|---:|',
    ...rows.map(line),
    '',
    ...(zones.length === 0
      ? []
      : [
          '| zone | there, mean | found, mean | mean count error | within ±1 |',
          '|---|---:|---:|---:|---:|',
          ...zoneRows,
          '',
        ]),
    '| | |',
    '|---|---:|',
    ...facts.map(line),
    '',
  ].join('\n');
}

/** What is drawn, and where it is written. */
export type PictureRequest = {
  readonly folder: string;
  /** Of the plots. */
  readonly title: string;
  readonly clip: string;
  /** What the network looked at; the entire frame by default. */
  readonly region?: Rectangle;
  readonly signal?: AbortSignal;
};

/**
 * Draws `precision-recall.svg`, `counts.svg` (there and found, frame by frame) and `frames.jpg` (points on boxes) into a folder.
 *
 * @throws NetworkError NETWORK_DATA if the clip cannot be read; the signal's reason.
 */
export async function drawClipEvaluation(evaluation: ClipEvaluation, request: PictureRequest): Promise<void> {
  const { folder, title, clip, region = { x: 0, y: 0, width: 1, height: 1 }, signal } = request;
  const { answers, places, decoding, firstFrame, score, baselines } = evaluation;
  const sweep = sweepThresholds(
    answers.map(({ outputs }) => outputs),
    places,
    decoding,
  );
  const counts = answers.map(({ points }, n) => ({
    frame: firstFrame + n,
    there: places[n]!.length,
    found: points.length,
  }));
  const frames = evenly(
    counts.map(({ frame }) => frame),
    SHEET_FRAMES,
  );
  const sheet = await contactSheet(
    clip,
    frames,
    (frame, size) => {
      const across = (x: number): number => (region.x + x * region.width) * size.width;
      const down = (y: number): number => (region.y + y * region.height) * size.height;
      return {
        points: answers[frame - firstFrame]!.points.map(({ x, y }) => ({ x: across(x), y: down(y) })),
        boxes: places[frame - firstFrame]!.map(({ x, y, width, height }) => ({
          ...{ x: across(x - width / 2), y: down(y - height / 2) },
          ...{ width: width * region.width * size.width, height: height * region.height * size.height },
          track: 2,
        })),
      };
    },
    signal,
  );
  await mkdir(folder, { recursive: true });
  const curve = drawPrecisionRecall(
    sweep,
    { chosen: score, baseline: baselines.backgroundSubtraction },
    `${title}: precision and recall`,
  );
  await writeFile(join(folder, 'precision-recall.svg'), curve);
  await writeFile(join(folder, 'counts.svg'), drawCounts(counts, `${title}: how many, frame by frame`));
  await writeFile(join(folder, 'frames.jpg'), sheet);
}
