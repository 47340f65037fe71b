import { mkdir, writeFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { NetworkError } from '#network/errors.ts';
import {
  descriptionFile,
  type NetworkDescription,
  writeDescription,
} from '#network/model/description/network-description.ts';
import { writeOnnx } from '#network/model/onnx/onnx.ts';
import type { PictureTreatment } from '#vision/picture-format.ts';
import { pictureShape } from '../compile-limits.ts';
import type { ImportedNetwork } from './imported-network.ts';

/** What is written beside an imported network. */
export type ImportDescription = {
  readonly labels: readonly string[];
  /** File name of the network as given. */
  readonly source: string;
  /** What the outputs mean, if they are no classification. */
  readonly answer?: Pick<NetworkDescription, 'task' | 'map' | 'decoding'>;
  /** How the gateway prepares its pictures, as the description of the given network says. */
  readonly treatment: PictureTreatment;
};

/**
 * Refuses a name to which no description file can belong.
 *
 * @throws NetworkError NETWORK_DATA if it does not end in `.onnx`.
 */
export function checkImportName(file: string): void {
  if (!file.endsWith('.onnx')) {
    throw new NetworkError('NETWORK_DATA', `${file}: the name of a network must end in .onnx`);
  }
}

/**
 * Writes an imported network as `FILE.onnx` and what the compiler needs to know about it as `FILE.json`: labels and calibrated
 * ranges, which `evaluate`, `explain` and `model protect` read.
 *
 * @param file ends in `.onnx`; its folder is created.
 * @throws NetworkError as {@link checkImportName}.
 */
export async function writeImport(
  file: string,
  imported: Pick<ImportedNetwork, 'graph' | 'ranges' | 'accuracyBefore' | 'accuracyAfter'>,
  { labels, source, treatment, answer }: ImportDescription,
): Promise<void> {
  checkImportName(file);
  const { graph, ranges, accuracyBefore, accuracyAfter } = imported;
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, writeOnnx(graph));
  await writeDescription(descriptionFile(file), {
    name: basename(file, '.onnx'),
    description: `Imported from ${source}`,
    ...answer,
    labels: [...labels],
    picture: pictureShape(graph.inputs[0]!.shape!.slice(1), treatment),
    activationRanges: [...ranges.activations],
    logitRange: ranges.logits,
    accuracyBefore,
    accuracy: accuracyAfter,
  });
}
