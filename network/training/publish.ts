import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Graph } from '../model/graph.ts';
import { writeOnnx } from '../model/onnx.ts';
import { lowerGraph } from '../packing/lower.ts';
import { calibrateRanges } from '../passes/calibrate-ranges.ts';
import type { ZooMetadata } from '../zoo.ts';
import { type Confusion, confusionAccuracy, confusionTable } from './confusion.ts';
import { drawLearningCurve } from './learning-curve.ts';
import type { EpochReport } from './train.ts';

/** A trained network and everything that is said about it. */
export type Publication = {
  readonly out: string;
  readonly name: string;
  readonly description: string;
  readonly labels: readonly string[];
  readonly seed: number;
  readonly graph: Graph;
  readonly curve: readonly EpochReport[];
  /** Answers on pictures that training never saw. */
  readonly confusion: Confusion;
  readonly trainingPictures: number;
  /** Pictures that the ranges are calibrated on. */
  readonly calibration: Float32Array;
  /** The command that makes this network again. */
  readonly command: string;
  /** Further figures: what was changed, and the accuracy then. */
  readonly robustness?: readonly { readonly name: string; readonly accuracy: number }[];
};

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

function resultsPage(publication: Publication, metadata: ZooMetadata): string {
  const { confusion, robustness = [], trainingPictures, name, command, curve } = publication;
  const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;
  const tested = confusion.flat().reduce((sum, count) => sum + count, 0);
  return [
    `# ${name}: results of the last training`,
    '',
    `Written by \`${command}\`; see README.md for what they mean.`,
    '',
    `Seed ${metadata.seed}, ${trainingPictures} training pictures, ${tested} test pictures, ${curve.length} epochs, ${Math.round(curve.at(-1)!.elapsedMs / 1000)} s.`,
    '',
    `Accuracy on the test pictures: **${percent(metadata.accuracy)}**`,
    '',
    confusionTable(confusion, metadata.labels),
    '',
    ...(robustness.length === 0 ? [] : ['| the same pictures | accuracy |', '|---|---:|']),
    ...robustness.map((line) => `| ${line.name} | ${percent(line.accuracy)} |`),
    ...(robustness.length === 0 ? [] : ['']),
    '![learning curve](learning-curve.svg)',
    '',
  ].join('\n');
}

/** Calibrates a trained network and writes `<name>.onnx`, `<name>.json`, `results.md` and `learning-curve.svg`. */
export async function publishNetwork(publication: Publication): Promise<ZooMetadata> {
  const { out, name, graph, seed, confusion } = publication;
  const ranges = calibrateRanges(lowerGraph(graph), publication.calibration);
  const [channels, height, width] = graph.inputs[0]!.shape!.slice(1);
  const metadata: ZooMetadata = {
    name,
    description: publication.description,
    labels: [...publication.labels],
    picture: { channels: channels === 3 ? 3 : 1, height: height!, width: width! },
    activationRanges: ranges.activations.map((range) => round(range, 4)),
    logitRange: round(ranges.logits, 4),
    accuracy: round(confusionAccuracy(confusion), 5),
    seed,
  };
  await mkdir(out, { recursive: true });
  await writeFile(join(out, `${name}.onnx`), writeOnnx(graph));
  await writeFile(join(out, `${name}.json`), `${JSON.stringify(metadata, null, 2)}\n`);
  await writeFile(
    join(out, 'learning-curve.svg'),
    drawLearningCurve(publication.curve, `${name}, seed ${seed}`),
  );
  await writeFile(join(out, 'results.md'), resultsPage(publication, metadata));
  return metadata;
}
