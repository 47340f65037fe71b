import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pictureShape } from '#network/compiler/compile-limits.ts';
import { calibrateSteps } from '#network/compiler/lowering/calibrate-steps.ts';
import { lowerSteps } from '#network/compiler/lowering/lower-steps.ts';
import {
  type FullDescription,
  type NetworkDescription,
  writeDescription,
} from '#network/model/description/network-description.ts';
import { writeOnnx } from '#network/model/onnx/onnx.ts';
import { runGraph } from '#network/model/run/run.ts';
import type { PictureTreatment } from '#vision/picture-format.ts';
import { type Graph, sizeOf } from '../model/graph.ts';
import type { EpochReport } from './fit-options.ts';
import { drawLearningCurve } from './learning-curve.ts';

/** A trained network and its description. */
export type Publication = {
  readonly out: string;
  readonly name: string;
  readonly description: string;
  readonly labels: readonly string[];
  readonly seed: number;
  readonly graph: Graph;
  /** How a gateway prepares its pictures. */
  readonly treatment: PictureTreatment;
  readonly curve: readonly EpochReport[];
  /** Share of right answers on pictures that training never saw; F1 of a map. */
  readonly accuracy: number;
  /** What the outputs mean, if they are no classification. */
  readonly answer?: Pick<NetworkDescription, 'task' | 'map' | 'decoding'>;
  /** Factor for the calibrated range of the outputs; 1 by default. */
  readonly headroom?: number;
  /** Pictures for calibrating the ranges, one after the other. */
  readonly calibration: Float32Array;
  /** Further pages, by file name. */
  readonly pages: (metadata: FullDescription) => Readonly<Record<string, string>>;
};

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

/** Largest |logit| of a network that is not for encryption, picture by picture. */
function largestOf(graph: Graph, pictures: Float32Array): number {
  const size = sizeOf(graph.inputs[0]!.shape!.slice(1));
  let largest = 0;
  for (let at = 0; at < pictures.length; at += size) {
    for (const logit of runGraph(graph, pictures.subarray(at, at + size)))
      largest = Math.max(largest, Math.abs(logit));
  }
  return largest;
}

/** Calibrates a trained network and writes `<name>.onnx`, `<name>.json`, `learning-curve.svg` and the pages. */
export async function publishNetwork(publication: Publication): Promise<FullDescription> {
  const { out, name, graph, seed, accuracy, headroom = 1 } = publication;
  const ranges = graph.nodes.some(({ operator }) => operator === 'Relu')
    ? { activations: [], logits: largestOf(graph, publication.calibration) }
    : calibrateSteps(lowerSteps(graph), publication.calibration);
  const metadata: FullDescription = {
    name,
    description: publication.description,
    ...publication.answer,
    labels: [...publication.labels],
    picture: pictureShape(graph.inputs[0]!.shape!.slice(1), publication.treatment),
    activationRanges: ranges.activations.map((range) => round(range, 4)),
    logitRange: round(headroom * ranges.logits, 4),
    accuracy: round(accuracy, 5),
    seed,
  };
  const files = {
    [`${name}.onnx`]: writeOnnx(graph),
    'learning-curve.svg': drawLearningCurve(publication.curve, `${name}, seed ${seed}`),
    ...publication.pages(metadata),
  };
  await mkdir(out, { recursive: true });
  for (const [file, content] of Object.entries(files)) await writeFile(join(out, file), content);
  await writeDescription(join(out, `${name}.json`), metadata);
  return metadata;
}
