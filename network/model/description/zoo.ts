import { readdir, readFile } from 'node:fs/promises';
import { NetworkError } from '#network/errors.ts';
import type { Graph } from '../graph.ts';
import { readOnnx } from '../onnx/onnx.ts';
import { type FullDescription, readDescription } from './network-description.ts';

/** A bundled network. */
export type ZooNetwork = {
  readonly metadata: FullDescription;
  readonly onnx: Uint8Array;
  readonly graph: Graph;
};

const ZOO = new URL('../../zoo/', import.meta.url);

/** Names of the bundled networks, sorted: folders that hold a network, not only the recipe for one. */
export async function listZoo(): Promise<string[]> {
  const files = await readdir(ZOO, { recursive: true });
  return files
    .flatMap((file) => /^([^/\\]+)[/\\]\1\.onnx$/.exec(file)?.[1] ?? [])
    .sort((a, b) => (a < b ? -1 : 1));
}

/**
 * Loads a bundled network.
 *
 * @throws NetworkError NETWORK_FILE if there is none of that name; the message lists the available ones.
 */
export async function loadZooNetwork(name: string): Promise<ZooNetwork> {
  const names = await listZoo();
  if (!names.includes(name)) {
    throw new NetworkError('NETWORK_FILE', `no bundled network '${name}': there are ${names.join(', ')}`);
  }
  const [description, onnx] = await Promise.all([
    readDescription(new URL(`${name}/${name}.json`, ZOO)),
    readFile(new URL(`${name}/${name}.onnx`, ZOO)),
  ]);
  // Bundled descriptions were written by training, and a test reads all of them.
  return { metadata: description as FullDescription, onnx, graph: readOnnx(onnx) };
}
