import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { NetworkError } from '#network/errors.ts';
import type { CalibratedRanges } from '../calibrated-ranges.ts';
import type { Graph } from '../graph.ts';
import { readOnnx } from '../onnx/onnx.ts';
import { listZoo, loadZooNetwork } from './zoo.ts';

/** A network by name or file, and what its owner wrote down about it. */
export type NamedNetwork = {
  readonly name: string;
  readonly graph: Graph;
  readonly labels?: readonly string[];
  readonly ranges?: CalibratedRanges;
  /** How a gateway prepares the light of its pictures; byte / 255 where it is left out. */
  readonly light?: 'normalize';
};

/** `FILE.json` beside `FILE.onnx`: what `train` and `model import` write. Other keys are let be. */
const Sidecar = z.looseObject({
  labels: z.array(z.string().min(1)).min(2),
  activationRanges: z.array(z.number().positive()),
  logitRange: z.number().positive(),
  picture: z.looseObject({ light: z.literal('normalize').exactOptional() }).exactOptional(),
});

async function readSidecar(file: string): Promise<Pick<NamedNetwork, 'labels' | 'ranges' | 'light'>> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch {
    return {};
  }
  try {
    const { labels, activationRanges, logitRange, picture } = Sidecar.parse(JSON.parse(text));
    const ranges = { activations: activationRanges, logits: logitRange };
    return { labels, ranges, ...(picture?.light && { light: picture.light }) };
  } catch (cause) {
    throw new NetworkError(
      'NETWORK_DATA',
      `${file} stands beside the network, but does not say labels, activationRanges and logitRange; correct or remove it`,
      { cause },
    );
  }
}

/**
 * Loads the bundled network of that name, or the ONNX file of that path with the description beside it, if there is one.
 *
 * @throws NetworkError NETWORK_FILE where there is neither, or as `readOnnx`.
 */
export async function loadNetwork(fileOrName: string): Promise<NamedNetwork> {
  const names = await listZoo();
  if (names.includes(fileOrName)) {
    const { graph, metadata } = await loadZooNetwork(fileOrName);
    const { labels, activationRanges, logitRange, picture } = metadata;
    return {
      name: fileOrName,
      graph,
      labels,
      ranges: { activations: activationRanges, logits: logitRange },
      ...(picture.light && { light: picture.light }),
    };
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
  const name = fileOrName.replace(/^.*[\\/]/, '').replace(/\.onnx$/, '');
  return { name, graph: readOnnx(bytes), ...(await readSidecar(fileOrName.replace(/(\.onnx)?$/, '.json'))) };
}
