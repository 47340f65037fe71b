import { readdir, readFile } from 'node:fs/promises';
import { z } from 'zod';
import { NetworkError } from '#network/errors.ts';
import type { Graph } from '../graph.ts';
import { readOnnx } from '../onnx/onnx.ts';

/** What `zoo/<name>/<name>.json` says about a bundled network; what `compileNetwork` needs besides the graph. */
const metadataSchema = z.strictObject({
  name: z.string().regex(/^[a-z0-9-]{1,64}$/),
  description: z.string(),
  /** One for each logit. */
  labels: z.array(z.string().min(1)).min(2),
  /** Channel first; values are bytes / 255, or the gateway normalizes their light. */
  picture: z.strictObject({
    channels: z.union([z.literal(1), z.literal(3)]),
    height: z.int().positive(),
    width: z.int().positive(),
    light: z.literal('normalize').exactOptional(),
  }),
  /** Largest magnitude before each square on calibration pictures. */
  activationRanges: z.array(z.number().positive()),
  /** Largest |logit| on calibration pictures. */
  logitRange: z.number().positive(),
  /** Share of right answers on pictures that training never saw. */
  accuracy: z.number().min(0).max(1),
  seed: z.int(),
});

/** Description of a bundled network. */
export type ZooMetadata = z.infer<typeof metadataSchema>;

/** A bundled network. */
export type ZooNetwork = { readonly metadata: ZooMetadata; readonly onnx: Uint8Array; readonly graph: Graph };

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
 * @throws NetworkError NETWORK_FILE where there is none of that name; the message lists those that there are.
 */
export async function loadZooNetwork(name: string): Promise<ZooNetwork> {
  const names = await listZoo();
  if (!names.includes(name)) {
    throw new NetworkError('NETWORK_FILE', `no bundled network '${name}': there are ${names.join(', ')}`);
  }
  const [text, onnx] = await Promise.all([
    readFile(new URL(`${name}/${name}.json`, ZOO), 'utf8'),
    readFile(new URL(`${name}/${name}.onnx`, ZOO)),
  ]);
  return { metadata: metadataSchema.parse(JSON.parse(text)), onnx, graph: readOnnx(onnx) };
}
