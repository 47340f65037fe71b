import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import {
  descriptionFile,
  type NetworkDescription,
  readDescription,
} from '#network/model/description/network-description.ts';
import { listZoo } from '#network/model/description/zoo.ts';
import { BlindsightError } from '#protocol/errors.ts';

/** Where a network to protect comes from. */
export type NetworkSource =
  | { readonly zoo: string }
  /** As a site keeps it. */
  | { readonly onnx: Uint8Array; readonly description: NetworkDescription }
  | { readonly onnxFile: string; readonly metadataFile: string };

/**
 * Resolves how a person names a network: the name of a bundled one, or the path of an ONNX file.
 *
 * @throws BlindsightError MODEL_UNREADABLE naming what there is.
 */
export async function findNetwork(network: string): Promise<NetworkSource> {
  const names = await listZoo();
  if (names.includes(network)) return { zoo: network };
  if (!existsSync(network)) {
    throw new BlindsightError(
      'MODEL_UNREADABLE',
      `${network} is neither a file nor a bundled network (${names.join(', ')})`,
    );
  }
  return { onnxFile: network, metadataFile: descriptionFile(network) };
}

/**
 * What is known about a network to be protected.
 *
 * @throws BlindsightError MODEL_UNREADABLE naming file, path and what was expected, and for a network as exported how to make it ready.
 */
export async function readMetadata(file: string): Promise<NetworkDescription> {
  const description = await readDescription(file).catch((cause: Error) => {
    throw new BlindsightError('MODEL_UNREADABLE', cause.message, { cause });
  });
  if (description !== null) return description;
  throw new BlindsightError(
    'MODEL_UNREADABLE',
    `${basename(file)} is not next to the network: its labels, activationRanges and logitRange come from import. ` +
      `Run: \`blindsight model import ${file.replace(/\.json$/, '.onnx')} --calibrate PICTURES\``,
  );
}
