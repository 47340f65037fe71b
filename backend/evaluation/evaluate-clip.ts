import { needsApproximation } from '#network/compiler/importing/polynomial-network.ts';
import { dropEnding } from '#network/compiler/rewrite/drop-ending.ts';
import { adaptPictureInput } from '#network/compiler/rewrite/picture-input.ts';
import { NetworkError } from '#network/errors.ts';
import type { NamedNetwork } from '#network/model/description/load-network.ts';
import { normalizePictures } from '#network/training/datasets/normalize-dataset.ts';
import { subtractBackground } from '#network/training/labelling/subtract-background.ts';
import { type MapDataset, partOf } from '#network/training/maps/map-dataset.ts';
import type { Place } from '#network/training/maps/place.ts';
import { readClipMap } from '#network/training/maps/read-clip-map.ts';
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
import { type PictureFormat, treatmentOf } from '#vision/picture-format.ts';
import type { Rectangle } from '#vision/prepare-picture.ts';
import {
  evaluateMap,
  type MapEvaluation,
  type MapEvaluationRequest,
  type MapProgress,
} from './evaluate-map.ts';

/** A map network, and a clip with boxes to measure it on. */
export type ClipEvaluationRequest = Pick<MapEvaluationRequest, 'engine' | 'signal' | 'beforeFrame'> & {
  /** Of the task `map`. */
  readonly network: NamedNetwork;
  readonly clip: string;
  /** See `readBoxes`. */
  readonly boxes: string;
  /** What the network looks at, the entire frame by default; zones and places are in fractions of it. */
  readonly region?: Rectangle;
  /** Measures from this share of the clip on, 0 by default: what lies before was used for training. */
  readonly from?: number;
  /** Measures the first frames from there on only. */
  readonly limit?: number;
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

function refuse(message: string): never {
  throw new NetworkError('NETWORK_SHAPE', message);
}

/** The pictures that a network takes, by its input. @throws NetworkError NETWORK_SHAPE unless it takes channels × height × width. */
function pictureOf(network: NamedNetwork): PictureFormat {
  const [channels = 0, height = 0, width = 0, ...more] = network.graph.inputs[0]?.shape?.slice(1) ?? [];
  const treatment = treatmentOf(network);
  const possible = treatment.motion === undefined ? [1, 3] : [2, 4];
  if (!possible.includes(channels) || more.length > 0) {
    const text = [channels, height, width, ...more].join('×');
    refuse(`${network.name} takes ${text}: expected ${possible.join(' or ')} channels × height × width`);
  }
  return { channels, height, width, ...treatment };
}

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

/** The frames that are measured, ready for the network, and what is there before them. */
async function readPart(
  request: ClipEvaluationRequest,
  picture: PictureFormat,
  labels: readonly string[],
): Promise<{ measured: MapDataset; firstFrame: number; earlier: readonly (readonly Place[])[] }> {
  const { clip, boxes, region, from = 0, limit = Number.POSITIVE_INFINITY, signal } = request;
  const all = await readClipMap({
    ...{ clip, boxes, labels, picture },
    ...(region && { region }),
    ...(signal && { signal }),
  });
  const firstFrame = Math.floor(from * all.places.length);
  if (firstFrame >= all.places.length)
    throw new NetworkError('NETWORK_DATA', `${clip}: no frame is left from ${from} of it on`);
  const measured = partOf(all, firstFrame, Math.min(all.places.length, firstFrame + limit));
  const pictures = measured.pictures.slice();
  normalizePictures(pictures, picture);
  const earlier = firstFrame === 0 ? measured.places : all.places.slice(0, firstFrame);
  return { measured: { ...measured, pictures }, firstFrame, earlier };
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
    refuse(`${network.name} is no map: its description beside it must say task, map and decoding`);
  if (needsApproximation(network.graph))
    refuse(
      `${network.name} has functions that encryption cannot compute; \`blindsight model import\` replaces them`,
    );
  const decoding = { ...network.decoding, ...map, classes: labels.length };
  const picture = pictureOf(network);
  onProgress?.({ step: 'reading', frames: 0 });
  const { measured, firstFrame, earlier } = await readPart(request, picture, labels);
  const stands = await backgroundPoints(request, earlier.flat(), labels.length);
  const evaluation = await evaluateMap({
    ...{ network, decoding, engine, dataset: measured },
    graph: dropEnding(adaptPictureInput(network.graph, picture), { sigmoid: true }).graph,
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
