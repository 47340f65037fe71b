import { NetworkError } from '#network/errors.ts';
import { subtractBackground } from '#network/training/labelling/subtract-background.ts';
import type { Place } from '#network/training/maps/place.ts';
import {
  type CountScore,
  meanCountScore,
  type Point,
  type PointScore,
  scorePoints,
  scoreZones,
  type Zone,
  type ZoneScore,
} from '#network/training/maps/score-points.ts';
import type { MapDecoding } from '#vision/decode-map.ts';
import type { Rectangle } from '#vision/prepare-picture.ts';
import { type ClipPartRequest, readClipPart } from './clip-part.ts';
import {
  evaluateMap,
  type MapEvaluation,
  type MapEvaluationRequest,
  type MapProgress,
} from './evaluate-map.ts';

/** A network of the task `map`, and a clip with boxes to measure it on. */
export type ClipEvaluationRequest = ClipPartRequest &
  Pick<MapEvaluationRequest, 'engine' | 'beforeFrame'> & {
    readonly zones?: readonly Zone[];
    readonly onProgress?: (progress: ClipProgress) => void;
  };

export type ClipProgress = MapProgress | { readonly step: 'reading' | 'baseline'; readonly frames: number };

/** What a network must beat, on the same frames. */
export type Baselines = {
  /** Always the mean count of the frames before, as a whole number for each class; of all of them where none are before. */
  readonly meanCount: CountScore & { readonly count: readonly number[] };
  /** What stands out of a slow mean, see `subtractBackground`; all of it is of the most frequent class. */
  readonly backgroundSubtraction: PointScore;
};

/** How a map network answers about a clip. */
export type ClipEvaluation = MapEvaluation & {
  readonly labels: readonly string[];
  /** Number of the first frame that was measured, from 0. */
  readonly firstFrame: number;
  /** What is there, by measured frame. */
  readonly places: readonly (readonly Place[])[];
  readonly zones: readonly ZoneScore[];
  readonly baselines: Baselines;
  readonly decoding: MapDecoding;
};

/** Share of the frame that the smallest thing fills: half as long, each way, as the median of those that are known. */
function leastArea(places: readonly Place[], region: Rectangle): number {
  const areas = places.map(({ width, height }) => width * height).sort((a, b) => a - b);
  return ((areas[areas.length >> 1] ?? 0) * region.width * region.height) / 4;
}

async function backgroundPoints(
  { clip, region = { x: 0, y: 0, width: 1, height: 1 }, signal, onProgress }: ClipEvaluationRequest,
  known: readonly Place[],
  classes: number,
): Promise<Point[][]> {
  const counts = new Array<number>(classes).fill(0);
  for (const place of known) counts[place.class]!++;
  const frequent = counts.indexOf(Math.max(...counts));
  const all = await subtractBackground(clip, leastArea(known, region), {
    ...(signal && { signal }),
    onFrame: (frames) => onProgress?.({ step: 'baseline', frames }),
  });
  return all.map((boxes) =>
    boxes
      .map((box) => ({
        class: frequent,
        x: (box.x + box.width / 2 - region.x) / region.width,
        y: (box.y + box.height / 2 - region.y) / region.height,
      }))
      .filter(({ x, y }) => x >= 0 && x < 1 && y >= 0 && y < 1),
  );
}

/**
 * Measures a map network on a clip, encrypted and in the clear, beside two baselines on the same frames.
 *
 * @throws NetworkError where files cannot be read or do not belong together, or the network is none that can be encrypted as it is; the
 * signal's reason before the first frame is measured.
 */
export async function evaluateClip(request: ClipEvaluationRequest): Promise<ClipEvaluation> {
  const { network, engine, zones = [], signal, onProgress, beforeFrame } = request;
  const { labels, map } = network;
  if (network.task !== 'map' || labels === undefined || map === undefined || network.decoding === undefined)
    throw new NetworkError(
      'NETWORK_SHAPE',
      `${network.name} is no map: its description beside it must say task, map and decoding`,
    );
  const decoding = { ...network.decoding, ...map, classes: labels.length };
  onProgress?.({ step: 'reading', frames: 0 });
  const { graph, measured, firstFrame, earlier } = await readClipPart(request, labels);
  const stands = await backgroundPoints(request, earlier.flat(), labels.length);
  const evaluation = await evaluateMap({
    ...{ network, decoding, engine, dataset: measured, graph },
    ...(signal && { signal }),
    ...(onProgress && { onProgress }),
    ...(beforeFrame && { beforeFrame }),
  });
  const places = measured.places.slice(0, evaluation.answers.length);
  const pictures = places.map((there, n) => ({ points: evaluation.answers[n]!.points, places: there }));
  const stood = places.map((there, n) => ({ points: stands[firstFrame + n]!, places: there }));
  return {
    ...evaluation,
    ...{ labels, firstFrame, places, decoding },
    zones: scoreZones(pictures, labels.length, zones),
    baselines: {
      meanCount: meanCountScore(earlier, places, labels.length),
      backgroundSubtraction: scorePoints(stood, labels.length),
    },
  };
}
