import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { NetworkError } from '#network/errors.ts';
import { type PictureTreatment, treatmentOf } from '#vision/picture-format.ts';
import type { CalibratedRanges } from '../calibrated-ranges.ts';
import type { Graph } from '../graph.ts';
import { readOnnx } from '../onnx/onnx.ts';
import { descriptionFile, type NetworkDescription, readDescription } from './network-description.ts';
import { listZoo, loadZooNetwork } from './zoo.ts';

/** A network by name or file, and its owner's description. */
export type NamedNetwork = {
  readonly name: string;
  readonly graph: Graph;
  readonly labels?: readonly string[];
  readonly ranges?: CalibratedRanges;
} & PictureTreatment &
  Pick<NetworkDescription, 'task' | 'map' | 'decoding'>;

function named(name: string, graph: Graph, description: NetworkDescription | null): NamedNetwork {
  if (description === null) return { name, graph };
  const { labels, activationRanges: activations, logitRange: logits, picture = {} } = description;
  const { task, map, decoding } = description;
  return {
    name,
    graph,
    labels,
    ranges: { activations, logits },
    ...treatmentOf(picture),
    ...(task && { task }),
    ...(map && { map }),
    ...(decoding && { decoding }),
  };
}

/**
 * Loads the bundled network of that name, or the ONNX file of that path with its description, if there is one.
 *
 * @throws NetworkError NETWORK_FILE if there is neither, or as `readOnnx` and {@link readDescription}.
 */
export async function loadNetwork(fileOrName: string): Promise<NamedNetwork> {
  const names = await listZoo();
  if (names.includes(fileOrName)) {
    const { graph, metadata } = await loadZooNetwork(fileOrName);
    return named(fileOrName, graph, metadata);
  }
  let bytes: Uint8Array;
  try {
    bytes = await readFile(fileOrName);
  } catch (cause) {
    throw new NetworkError(
      'NETWORK_FILE',
      `'${fileOrName}' is neither a file that can be read nor a bundled network (${names.join(', ')})`,
      { cause },
    );
  }
  const description = await readDescription(descriptionFile(fileOrName));
  return named(basename(fileOrName, '.onnx'), readOnnx(bytes), description);
}
