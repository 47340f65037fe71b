import { readFile, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { NetworkError } from '#network/errors.ts';
import { ANSWER_TASKS } from './answer-task.ts';

const MAX_BYTES = 2 ** 20;

const Fields = z.object({
  name: z.string().exactOptional(),
  description: z.string().exactOptional(),
  /** What the outputs mean; a classification where it says nothing. See `answer-task.ts`. */
  task: z.enum(ANSWER_TASKS).exactOptional(),
  /** One for each logit; for a map, one for each of its layers. */
  labels: z.array(z.string().min(1).max(64)).min(1),
  /** Of a map: its cells. Output (class, row, column) has the index (class × height + row) × width + column. */
  map: z.object({ height: z.int().positive(), width: z.int().positive() }).exactOptional(),
  /** Of a map: how it becomes points; see `MapDecoding` of vision. */
  decoding: z
    .object({
      threshold: z.number(),
      smoothing: z.int().min(0).max(16),
      distance: z.number().min(0).max(64),
      most: z.int().min(1).max(64),
    })
    .exactOptional(),
  /** Channel first; values are bytes / 255, or the gateway normalizes their light; motion is the last channel (`PictureTreatment` of vision). */
  picture: z
    .object({
      channels: z.literal([1, 2, 3, 4]),
      height: z.int().positive(),
      width: z.int().positive(),
      light: z.literal('normalize').exactOptional(),
      motion: z.object({ seconds: z.number().positive().max(86_400) }).exactOptional(),
    })
    .refine(({ channels, motion }) => (channels % 2 === 0) === (motion !== undefined), {
      path: ['motion'],
      message: 'expected with 2 or 4 channels, of which it is the last, and only there',
    })
    .exactOptional(),
  /** Largest magnitude before each square on calibration pictures. */
  activationRanges: z.array(z.number().positive()),
  /** Largest |logit| on calibration pictures. */
  logitRange: z.number().positive(),
  /** Share of right answers before the network was prepared for protection. */
  accuracyBefore: z.number().min(0).max(1).exactOptional(),
  /** Share of right answers on pictures that training never saw; F1 of a map. */
  accuracy: z.number().min(0).max(1).exactOptional(),
  seed: z.int().exactOptional(),
});

const Description = Fields.superRefine(({ task = 'classification', labels, map, decoding }, context) => {
  const refuse = (path: string, message: string) =>
    context.addIssue({ code: 'custom', path: [path], message });
  if (task === 'classification' && labels.length < 2) refuse('labels', 'a classification needs at least two');
  for (const [path, value] of Object.entries({ map, decoding })) {
    if (task === 'map' && value === undefined) refuse(path, 'missing for a map');
    if (task !== 'map' && value !== undefined) refuse(path, `only for a map, and the task is ${task}`);
  }
});

/**
 * The description of a network, in `NAME.json` next to `NAME.onnx`: what the compiler needs, and what people want to know. Written by
 * training and import; owners may write it, too.
 */
export type NetworkDescription = z.infer<typeof Fields>;

/** Further entries of a bundled network, or of one trained here. */
export type FullDescription = NetworkDescription &
  Required<Pick<NetworkDescription, 'name' | 'description' | 'picture' | 'accuracy' | 'seed'>>;

/** The file that describes the network in `onnxFile`. */
export function descriptionFile(onnxFile: string): string {
  return onnxFile.replace(/(\.onnx)?$/, '.json');
}

/**
 * Reads a description; ignores unknown keys.
 *
 * @returns null if there is no such file.
 * @throws NetworkError NETWORK_FILE if it cannot be read; NETWORK_DATA naming what is wrong with it.
 */
export async function readDescription(file: string | URL): Promise<NetworkDescription | null> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new NetworkError('NETWORK_FILE', `${file}: cannot be read`, { cause });
  }
  if (text.length > MAX_BYTES) throw refused(file, `over ${MAX_BYTES} bytes`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw refused(file, 'not JSON', cause);
  }
  const { success, data, error } = Description.safeParse(value);
  if (success) return data;
  const issue = error.issues[0];
  throw refused(file, `${issue?.path.join('.')}: ${issue?.message}`, error);
}

function refused(file: string | URL, why: string, cause?: unknown): NetworkError {
  const text = `${file} describes the network beside it: ${why}; correct or remove it`;
  return new NetworkError('NETWORK_DATA', text, { cause });
}

/** Writes a description for {@link readDescription}. */
export async function writeDescription(file: string, description: NetworkDescription): Promise<void> {
  await writeFile(file, `${JSON.stringify(description, null, 2)}\n`);
}
