import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { z } from 'zod';
import { listZoo } from '#network/model/description/zoo.ts';
import { BlindsightError } from '#protocol/errors.ts';

const MAX_METADATA_BYTES = 1_048_576;

/** What the owner says about a network besides the ONNX file; a file `<network>.json` beside it. Other keys are let be. */
const Metadata = z.looseObject({
  /** One for each output. */
  labels: z.array(z.string().min(1).max(64)).min(2),
  /** Largest magnitude before each square on calibration pictures. */
  activationRanges: z.array(z.number().positive()),
  /** Largest |logit| on calibration pictures. */
  logitRange: z.number().positive(),
  /** How the gateway prepares the light of a picture; byte / 255 where it is left out. */
  picture: z.looseObject({ light: z.literal('normalize').exactOptional() }).exactOptional(),
});
export type NetworkMetadata = z.infer<typeof Metadata>;

/** Where a network to protect comes from. */
export type NetworkSource =
  | { readonly zoo: string }
  | { readonly onnxFile: string; readonly metadataFile: string };

/**
 * Understands what a person calls a network: the name of a bundled one, or the path of an ONNX file.
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
  return { onnxFile: network, metadataFile: network.replace(/(?:\.onnx)?$/, '.json') };
}

/** @throws BlindsightError MODEL_UNREADABLE naming file, path and what was expected, and for a network as it was exported what makes it ready. */
export async function readMetadata(file: string): Promise<NetworkMetadata> {
  const text = await readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    const why =
      cause.code === 'ENOENT'
        ? `${basename(file)} is not beside the network: its labels, activationRanges and logitRange come from import. ` +
          `Run: \`blindsight model import ${file.replace(/\.json$/, '.onnx')} --calibrate PICTURES\``
        : `cannot read ${file}: ${cause.message}`;
    throw new BlindsightError('MODEL_UNREADABLE', why, { cause });
  });
  if (text.length > MAX_METADATA_BYTES) throw new BlindsightError('MODEL_UNREADABLE', `${file} is too large`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new BlindsightError('MODEL_UNREADABLE', `${file} is not JSON`, { cause });
  }
  const result = Metadata.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw new BlindsightError('MODEL_UNREADABLE', `${file}: ${issue?.path.join('.')}: ${issue?.message}`);
}
