import { basename } from 'node:path';
import { pictureShape, RESULT_RING_DEGREE } from '#network/compiler/compile-limits.ts';
import { needsApproximation } from '#network/compiler/importing/polynomial-network.ts';
import { checkImportName, writeImport } from '#network/compiler/importing/write-import.ts';
import { calibrateInTurns } from '#network/compiler/lowering/calibrate-in-turns.ts';
import { lowerSteps } from '#network/compiler/lowering/lower-steps.ts';
import { dropEnding } from '#network/compiler/rewrite/drop-ending.ts';
import { adaptPictureInput, type PixelScaling } from '#network/compiler/rewrite/picture-input.ts';
import { NetworkError } from '#network/errors.ts';
import { pictureValues } from '#network/model/dataset.ts';
import { loadNetwork } from '#network/model/description/load-network.ts';
import type { NetworkDescription } from '#network/model/description/network-description.ts';
import type { Graph } from '#network/model/graph.ts';
import { runGraph } from '#network/model/run/run.ts';
import { decodeMap } from '#vision/decode-map.ts';
import type { Rectangle } from '#vision/prepare-picture.ts';
import { normalizePictures } from '../datasets/normalize-dataset.ts';
import { calibrateDecoding } from './calibrate-decoding.ts';
import { type CountedTask, isRight } from './count-objective.ts';
import type { MapDataset } from './map-dataset.ts';
import { readClipMap } from './read-clip-map.ts';
import { countClasses, scorePoints } from './score-points.ts';

/** What to import, and what to calibrate it on. */
export type PlacesImport = {
  /** An ONNX file that ends in a value for each label, or for each label and cell. */
  readonly network: string;
  readonly task: 'map' | CountedTask;
  readonly clip: string;
  readonly boxes?: string;
  /** An option that was given and does not go with the task. */
  readonly ignored?: string;
  /** Of the outputs, and of the boxes; those of the network's description by default. */
  readonly labels?: readonly string[];
  /** Time constant of motion in seconds, if the last channel is motion. */
  readonly motionSeconds?: number;
  readonly region?: Rectangle;
  readonly scaling: PixelScaling;
  /** `<name>-protected.onnx` here by default. */
  readonly out?: string;
};

/** Pictures that answers and ranges are measured on, at most, evenly spread. */
const MEASURED = 300;
/** Slots of an answer. */
const MOST_OUTPUTS = RESULT_RING_DEGREE / 2;

function refuse(message: string): never {
  throw new NetworkError('NETWORK_DATA', message);
}

/** Evenly spread pictures, with their light as a gateway prepares it. */
function spread(all: MapDataset): {
  readonly pictures: Float32Array[];
  readonly places: MapDataset['places'];
} {
  const size = pictureValues(all.picture);
  const stride = Math.ceil(all.places.length / MEASURED);
  const chosen = [...all.places.keys()].filter((n) => n % stride === 0);
  const pictures = chosen.map((n) => {
    const picture = all.pictures.slice(n * size, (n + 1) * size);
    normalizePictures(picture, all.picture);
    return picture;
  });
  return { pictures, places: chosen.map((n) => all.places[n]!) };
}

/** What the outputs mean: the task must fit them. */
function meaningOf(graph: Graph, task: PlacesImport['task'], labels: readonly string[], outputs: number) {
  const shape = graph.outputs[0]?.shape?.slice(1) ?? [];
  const found = `the network ends in ${shape.length === 0 ? outputs : shape.join(' × ')} outputs`;
  if (task !== 'map') {
    if (outputs !== labels.length)
      refuse(`${found}, and a ${task} of ${labels.join(', ')} takes ${labels.length}`);
    return { task };
  }
  const [maps, height, width] = shape;
  if (shape.length !== 3 || maps !== labels.length || outputs !== maps * height! * width!)
    refuse(`${found}, and a map of ${labels.join(', ')} takes ${labels.length} × rows × columns`);
  if (outputs > MOST_OUTPUTS)
    refuse(`${found}, and an answer holds ${MOST_OUTPUTS}; use larger cells, by a stride or by pooling`);
  return { task, map: { height: height!, width: width! } };
}

/**
 * Takes a given network whose answers are a map, counts, or labels that hold by themselves, calibrates it on a clip with boxes, and writes it with
 * its description. It must be made of what encryption computes: how an approximation changes a map is not measured.
 *
 * @returns where it is, and its score on the clip: F1 of a map, the share of right answers otherwise
 * @throws NetworkError where network, task and clip do not fit together; the signal's reason.
 */
export async function importPlaces(
  request: PlacesImport,
  { signal, onPictures }: { readonly signal: AbortSignal; readonly onPictures: (count: number) => void },
): Promise<{
  readonly out: string;
  readonly score: number;
  readonly pictures: number;
  readonly meaning: Meaning;
}> {
  const { clip, boxes, region, task, ignored } = request;
  if (ignored !== undefined) {
    const flag = ignored.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    refuse(`--${flag} is for a classification, and the task is ${task}`);
  }
  if (boxes === undefined) refuse(`a ${task} is calibrated on a clip with boxes: give them with --boxes`);
  const network = await loadNetwork(request.network);
  const out = request.out ?? `${network.name}-protected.onnx`;
  checkImportName(out);
  const labels = request.labels ?? network.labels;
  if (labels === undefined) return refuse('name the labels of the outputs, and of the boxes, with --classes');
  const motion = request.motionSeconds === undefined ? network.motion : { seconds: request.motionSeconds };
  const treatment = { ...(network.light && { light: network.light }), ...(motion && { motion }) };
  const picture = pictureShape(network.graph.inputs[0]?.shape?.slice(1) ?? [], treatment);
  const { graph } = dropEnding(adaptPictureInput(network.graph, picture, request.scaling), { sigmoid: true });
  if (needsApproximation(graph)) {
    refuse(
      `${network.name} has functions that encryption cannot compute, and how their approximation changes a ${task} is not measured; train it with squares (\`blindsight train\`, task ${task})`,
    );
  }
  const steps = lowerSteps(graph);
  const all = await readClipMap({ clip, boxes, labels, picture, signal, ...(region && { region }) });
  const { pictures, places } = spread(all);
  onPictures(pictures.length);
  const answers = pictures.map((one) => runGraph(graph, one));
  const meaning = meaningOf(graph, task, labels, answers[0]!.length);
  const { decoding, score } = measure(task, meaning, answers, places, labels.length);
  const ranges = await calibrateInTurns(steps, Float32Array.from(pictures.flatMap((one) => [...one])), {
    signal,
  });
  const measured = { graph, ranges, accuracyBefore: score, accuracyAfter: score };
  const answer: Meaning = { ...meaning, ...(decoding && { decoding }) };
  await writeImport(out, measured, { labels, source: basename(request.network), treatment, answer });
  return { out, score, pictures: pictures.length, meaning: answer };
}

type Meaning = Pick<NetworkDescription, 'task' | 'map' | 'decoding'>;

/** Finds how points are made of a map, and how good answers are. */
function measure(
  task: PlacesImport['task'],
  { map }: Meaning,
  answers: readonly Float32Array[],
  places: MapDataset['places'],
  classes: number,
): { readonly decoding?: NonNullable<Meaning['decoding']>; readonly score: number } {
  if (task === 'map') {
    const { threshold, smoothing, distance, most } = calibrateDecoding(answers, places, { ...map!, classes });
    const decoding = { threshold, smoothing, distance, most };
    const found = answers.map((values, n) => ({
      points: decodeMap(values, { ...map!, classes, ...decoding }).points,
      places: places[n]!,
    }));
    return { decoding, score: scorePoints(found, classes).f1 };
  }
  const right = answers.flatMap((values, n) =>
    countClasses(places[n]!, classes).filter((there, label) => isRight(task, values[label]!, there)),
  );
  return { score: right.length / answers.length / classes };
}
