import { needsApproximation } from '#network/compiler/importing/polynomial-network.ts';
import { dropEnding } from '#network/compiler/rewrite/drop-ending.ts';
import { adaptPictureInput } from '#network/compiler/rewrite/picture-input.ts';
import { NetworkError } from '#network/errors.ts';
import type { NamedNetwork } from '#network/model/description/load-network.ts';
import type { Graph } from '#network/model/graph.ts';
import { normalizePictures } from '#network/training/datasets/normalize-dataset.ts';
import { type MapDataset, partOf } from '#network/training/maps/map-dataset.ts';
import type { Place } from '#network/training/maps/place.ts';
import { readClipMap } from '#network/training/maps/read-clip-map.ts';
import { type PictureFormat, treatmentOf } from '#vision/picture-format.ts';
import type { Rectangle } from '#vision/prepare-picture.ts';

/** The frames of a clip that a network is measured on, and what is in them. */
export type ClipPartRequest = {
  readonly network: NamedNetwork;
  readonly clip: string;
  /** See `readBoxes`. */
  readonly boxes: string;
  /** What the network looks at, the entire frame by default; places are in fractions of it. */
  readonly region?: Rectangle;
  /** Measures from this share of the clip on, 0 by default: what lies before was used for training. */
  readonly from?: number;
  /** Measures the first frames from there on only. */
  readonly limit?: number;
  readonly signal?: AbortSignal;
};

/** Frames, ready for the network, and what was there before them. */
export type ClipPart = {
  /** Takes the pictures as they are in `measured`. */
  readonly graph: Graph;
  readonly measured: MapDataset;
  /** Number of the first frame that is measured, from 0. */
  readonly firstFrame: number;
  /** What was there before, by frame; of the frames that are measured where none are before. */
  readonly earlier: readonly (readonly Place[])[];
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

/**
 * Reads the frames of a clip that a network is measured on.
 *
 * @throws NetworkError where files cannot be read or do not belong together, or the network is none that can be encrypted as it is; the
 * signal's reason.
 */
export async function readClipPart(request: ClipPartRequest, labels: readonly string[]): Promise<ClipPart> {
  const { network, clip, boxes, region, from = 0, limit = Number.POSITIVE_INFINITY, signal } = request;
  if (needsApproximation(network.graph))
    refuse(
      `${network.name} has functions that encryption cannot compute; \`blindsight model import\` replaces them`,
    );
  const picture = pictureOf(network);
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
  const { graph } = dropEnding(adaptPictureInput(network.graph, picture), { sigmoid: true });
  return { graph, measured: { ...measured, pictures }, firstFrame, earlier };
}
