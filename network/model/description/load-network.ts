import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
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

/** The network in a folder, as training writes it; a path that is no folder stays as it is. @throws NetworkError NETWORK_FILE unless there is one */
async function inFolder(path: string): Promise<string> {
  const isFolder = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (!isFolder) return path;
  const files = (await readdir(path)).filter((file) => file.endsWith('.onnx'));
  if (files.length === 1) return join(path, files[0]!);
  const found = files.length === 0 ? 'no network' : `${files.length} networks (${files.join(', ')})`;
  throw new NetworkError('NETWORK_FILE', `${path}: ${found} in this folder; name the ONNX file`);
}

/**
 * Loads the bundled network of that name, or the ONNX file of that path, or in that folder, with its description, if there is one.
 *
 * @throws NetworkError NETWORK_FILE if there is neither, or as `readOnnx` and {@link readDescription}.
 */
export async function loadNetwork(fileOrName: string): Promise<NamedNetwork> {
  const names = await listZoo();
  if (names.includes(fileOrName)) {
    const { graph, metadata } = await loadZooNetwork(fileOrName);
    return named(fileOrName, graph, metadata);
  }
  const file = await inFolder(fileOrName);
  let bytes: Uint8Array;
  try {
    bytes = await readFile(file);
  } catch (cause) {
    throw new NetworkError(
      'NETWORK_FILE',
      `'${fileOrName}' is neither a file that can be read nor a bundled network (${names.join(', ')})`,
      { cause },
    );
  }
  const description = await readDescription(descriptionFile(file));
  return named(basename(file, '.onnx'), readOnnx(bytes), description);
}
