import { NetworkError } from '#network/errors.ts';
import { type Dataset, pictureValues, selectPictures } from '#network/model/dataset.ts';
import type { Graph } from '#network/model/graph.ts';
import { runGraph } from '#network/model/run/run.ts';
import { readClip } from './clip.ts';
import { readIdxDataset } from './idx-pictures.ts';
import { readPeopleInRegion } from './people-in-region.ts';
import { readPictureFolder } from './picture-folder.ts';
import { splitByTime } from './split-by-time.ts';

/** Where labelled pictures are, by the options' names; one of `images`, `pictures`, `clip`. */
export type PictureSource = {
  /** IDX file, with `labels`. */
  readonly images?: string;
  /** One folder per class. */
  readonly pictures?: string;
  /** Video, with `labels` (CSV "frame,label"), or with `boxes` and `region`. */
  readonly clip?: string;
  readonly labels?: string;
  readonly boxes?: string;
  readonly region?: { x: number; y: number; width: number; height: number };
  /** Names of the classes in the order of the outputs; required for a clip; other pictures may have their own. */
  readonly classes?: readonly string[];
  /** Skips this part of the clip, from its start. */
  readonly trainShare?: number;
  /** Black pixels on every side. */
  readonly pad?: number;
  /** Reads the first pictures only. */
  readonly limit?: number;
};

/** The size of a network's pictures, without the added border. */
function pictureOf(graph: Graph, pad: number): Dataset['picture'] {
  const shape = graph.inputs[0]?.shape?.slice(1) ?? [];
  const [a = 0, b = 0, c = 0] = shape;
  const [channels, height, width] = a === 1 || a === 3 ? [a, b, c] : [c, a, b];
  if (shape.length !== 3 || (channels !== 1 && channels !== 3)) {
    throw new NetworkError(
      'NETWORK_SHAPE',
      `the network takes ${shape.join('×')}: for a folder or a clip it must take pictures of 1 or 3 channels; give IDX files instead`,
    );
  }
  return { channels, height: height - 2 * pad, width: width - 2 * pad };
}

/** Black borders, as {@link readIdxDataset} adds them. */
function padded(dataset: Dataset, pad: number): Dataset {
  if (pad === 0) return dataset;
  const { channels, height, width } = dataset.picture;
  const picture = { channels, height: height + 2 * pad, width: width + 2 * pad };
  const rows = dataset.classes.length * channels * height;
  const pictures = new Float32Array(dataset.classes.length * channels * picture.height * picture.width);
  for (let row = 0; row < rows; row++) {
    const plane = Math.floor(row / height);
    const to = (plane * picture.height + (row % height) + pad) * picture.width + pad;
    pictures.set(dataset.pictures.subarray(row * width, (row + 1) * width), to);
  }
  return { ...dataset, picture, pictures };
}

/** The first pictures of a dataset. */
export function firstPictures(dataset: Dataset, limit = Number.POSITIVE_INFINITY): Dataset {
  if (limit >= dataset.classes.length) return dataset;
  return selectPictures(
    dataset,
    Array.from({ length: limit }, (_, i) => i),
  );
}

function refuse(message: string): never {
  throw new NetworkError('NETWORK_DATA', message);
}

async function readClipPictures(
  graph: Graph,
  clip: string,
  source: PictureSource,
  signal: AbortSignal,
): Promise<Dataset> {
  const { labels, boxes, region, classes, trainShare, pad = 0 } = source;
  const picture = pictureOf(graph, pad);
  if (classes === undefined || (labels === undefined) === (boxes === undefined))
    refuse(`${clip}: a clip needs --labels (CSV) and --classes, or --boxes, --region and --classes`);
  if (boxes !== undefined && region === undefined)
    refuse(`${boxes}: --boxes needs --region, where people are counted`);
  const all =
    labels !== undefined
      ? await readClip(clip, labels, classes, picture, { signal, ...(region && { region }) })
      : await readPeopleInRegion({ clip, boxes: boxes!, region: region!, labels: classes, picture, signal });
  return trainShare === undefined ? all : splitByTime(all, trainShare).test;
}

/**
 * Reads the labelled pictures named by a command's options, in the network's size.
 *
 * @param graph the network as given; an IDX file has its own size.
 * @throws NetworkError NETWORK_DATA if the options do not fit together or files are not as expected, NETWORK_SHAPE if the network takes
 * no pictures; the signal's reason.
 */
export async function readLabelledPictures(
  graph: Graph,
  source: PictureSource,
  signal: AbortSignal,
): Promise<Dataset> {
  const { images, pictures, clip, labels, boxes, region, classes, trainShare, pad = 0, limit } = source;
  if ([images, pictures, clip].filter((given) => given !== undefined).length !== 1) {
    refuse(
      'which pictures? Give --images and --labels (IDX files), --pictures (a folder with one folder a class), or --clip, --labels and --classes',
    );
  }
  const forClips = { '--boxes': boxes, '--region': region, '--from': trainShare };
  const stray = Object.entries(forClips).find(([, given]) => given !== undefined && clip === undefined);
  if (stray !== undefined) refuse(`${stray[0]} goes with --clip`);
  if (clip !== undefined)
    return firstPictures(padded(await readClipPictures(graph, clip, source, signal), pad), limit);
  const names = classes === undefined ? {} : { names: classes };
  if (pictures !== undefined) {
    if (labels !== undefined)
      refuse('--labels goes with --images or --clip; the folders below --pictures are the classes');
    const read = await readPictureFolder({
      folder: pictures,
      picture: pictureOf(graph, pad),
      ...names,
      signal,
    });
    return firstPictures(padded(read, pad), limit);
  }
  if (labels === undefined)
    refuse(`${images}: give the classes of the pictures with --labels; accuracy is measured by them`);
  return await readIdxDataset({
    images: images!,
    labels,
    pad,
    ...(limit !== undefined && { limit }),
    ...names,
  });
}

/**
 * Names of the outputs: those described or given, or those of the pictures.
 *
 * @param graph takes pictures as they are in the dataset.
 * @param named whether the classes of the pictures have chosen names, one for each output; numbers need not cover every class.
 * @throws NetworkError NETWORK_DATA if there is not one for each output.
 */
export function labelsOf(
  graph: Graph,
  dataset: Dataset,
  given: readonly string[] | undefined,
  named: boolean,
): readonly string[] {
  const outputs = runGraph(graph, dataset.pictures.subarray(0, pictureValues(dataset.picture))).length;
  const labels =
    given ?? Array.from({ length: outputs }, (_, i) => dataset.labels[i] ?? String(i)).slice(0, outputs);
  const wrong = [...(named ? [dataset.labels] : []), labels].find(({ length }) => length !== outputs);
  if (wrong !== undefined || dataset.labels.length > outputs) {
    const { length } = wrong ?? dataset.labels;
    refuse(
      `${length} classes (${(wrong ?? dataset.labels).slice(0, 10).join(', ')}), but the network has ${outputs} outputs: give one name for each with --classes`,
    );
  }
  return labels;
}
