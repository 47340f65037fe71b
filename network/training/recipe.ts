import { readdir, readFile } from 'node:fs/promises';
import { z } from 'zod';
import { RESULT_RING_DEGREE } from '#network/compiler/compile-limits.ts';
import { NetworkError } from '../errors.ts';
import { ANSWER_TASKS } from '../model/description/answer-task.ts';
import { classesOf, stackOutput } from './architecture.ts';
import { SCHEDULES } from './learning-rate.ts';

const count = z.int().positive().max(65_536);
const share = z.number().min(0).max(1);
/** Slots of the small ring that an answer comes in. */
const MOST_CELLS = RESULT_RING_DEGREE / 2;
/** Degree 8; every degree beyond 2 costs levels. */
const MOST_COEFFICIENTS = 9;

const simpleLayers = [
  z.strictObject({
    kind: z.literal('convolution'),
    maps: count,
    kernel: count,
    stride: count.exactOptional(),
    padding: z.int().nonnegative().max(1024).exactOptional(),
  }),
  z.strictObject({ kind: z.literal('dense'), units: count }),
  z.strictObject({ kind: z.literal('square') }),
  z.strictObject({ kind: z.literal('normalize') }),
  z.strictObject({ kind: z.literal('offset') }),
  z.strictObject({ kind: z.literal('average'), size: count }),
  z
    .strictObject({
      kind: z.literal('polynomial'),
      coefficients: z.array(z.number()).min(3).max(MOST_COEFFICIENTS),
      perMap: z.boolean().exactOptional(),
    })
    .refine(({ coefficients, perMap }) => perMap !== true || coefficients.length === 3, {
      path: ['coefficients'],
      message: 'expected 3, a quadratic, where every map has its own',
    }),
  z.strictObject({ kind: z.literal('herpn') }),
  z.strictObject({ kind: z.literal('relu') }),
] as const;

/** Blocks may be nested, as deep as anybody needs. */
const innerLayer = z.discriminatedUnion('kind', [
  ...simpleLayers,
  z.strictObject({
    kind: z.literal('residual'),
    layers: z.array(z.discriminatedUnion('kind', simpleLayers)).min(1).max(100),
  }),
]);
const layer = z.discriminatedUnion('kind', [
  ...simpleLayers,
  z.strictObject({ kind: z.literal('residual'), layers: z.array(innerLayer).min(1).max(100) }),
]);

/** Content of `recipe.json`: a network's layers and how to train it. */
export const recipeSchema = z.strictObject({
  name: z.string().regex(/^[a-z0-9-]{1,64}$/, 'expected lower-case letters, digits and hyphens, at most 64'),
  description: z.string().min(1),
  /** What the network answers, a classification by default; the others learn from a clip with boxes. See `answer-task.ts`. */
  task: z.enum(ANSWER_TASKS).exactOptional(),
  /** Names of the classes in the order of the outputs; those of the data by default. Of other tasks the labels of the boxes to learn from. */
  labels: z.array(z.string().min(1)).min(1).exactOptional(),
  picture: z
    .strictObject({
      channels: z.literal([1, 2, 3, 4]),
      height: count,
      width: count,
      /** Normalizes the light of every picture, in training and on the gateway; byte / 255 by default. */
      light: z.literal('normalize').exactOptional(),
      /** The last channel is motion against a background with this time constant; see `PictureTreatment` of vision. */
      motion: z.strictObject({ seconds: z.number().positive().max(86_400) }).exactOptional(),
    })
    .refine(({ channels, motion }) => (channels % 2 === 0) === (motion !== undefined), {
      path: ['motion'],
      message: 'expected with 2 or 4 channels, of which it is the last, and only there',
    }),
  layers: z.array(layer).min(1).max(1000),
  training: z.strictObject({
    epochs: count,
    batch: count,
    optimizer: z.enum(['adam', 'sgd']).exactOptional(),
    /** Highest learning rate; it warms up and then follows the schedule. */
    learningRate: z.number().positive(),
    /** How it falls, see `learningRateAt`; a cosine by default. Or several phases, one after the other. */
    schedule: z
      .union([
        z.enum(SCHEDULES),
        z
          .array(
            z.strictObject({
              /** How long the phase is, beside the others. */
              share: z.number().positive(),
              schedule: z.enum(SCHEDULES),
              /** Of the learning rate, at its highest; 1 by default. */
              rate: z.number().positive().exactOptional(),
            }),
          )
          .min(1)
          .max(20),
      ])
      .exactOptional(),
    weightDecay: z.number().min(0),
    /** Share of each target that is spread over all classes. */
    labelSmoothing: share.exactOptional(),
    /** Largest norm of all gradients together; 5 by default. Deep networks of quadratics want 1. */
    gradientNorm: z.number().positive().exactOptional(),
    /** Keeps the inputs of activations in range while training, and pulls back what lies outside (`ClampLayer`). */
    clamp: z
      .strictObject({
        /** Largest |x| that an activation sees. */
        range: z.number().positive(),
        /** Weight of the squares of what lies outside; 0.001 by default. */
        penalty: z.number().min(0).exactOptional(),
        /** Share of the steps over which the penalty rises; a tenth by default. */
        warmUp: share.exactOptional(),
      })
      .exactOptional(),
    /** How much the answers of the network given with --teacher count, and how much they are softened. */
    distillation: z
      .strictObject({
        /** 0 (the labels alone) to 1 (the teacher alone); 0.7 by default. */
        share: share.exactOptional(),
        /** What the logits of both are divided by; 3 by default. */
        temperature: z.number().positive().exactOptional(),
      })
      .exactOptional(),
    /** Decay per step of the averaged weights. */
    averaging: z.number().min(0).lt(1).exactOptional(),
    /** Share of the epochs after which normalization freezes its statistics. */
    freezeNormalizationAt: share.exactOptional(),
    /** Stops after this many epochs without a better validation accuracy. */
    patience: count.exactOptional(),
    /** Share of each class (of a clip: its end) that chooses the epoch to keep; with 0 the training pictures do. */
    validationShare: share.exactOptional(),
    /** Shows every class as often as the most frequent one. */
    balance: z.boolean().exactOptional(),
    /** Of a map: how it is learned. */
    map: z
      .strictObject({
        /** Standard deviation of the bell that stands for a thing, in cells; 1 by default. */
        spread: z.number().min(0.3).max(8).exactOptional(),
        /** Weight of the error of the count beside that of the cells. */
        countWeight: z.number().min(0).exactOptional(),
        /** How much more a cell counts where something is. */
        presenceWeight: z.number().min(0).exactOptional(),
      })
      .exactOptional(),
    /** Number of pictures to invent by pasting people where they never stood (clips with boxes only, see `pastePeople`). */
    pastedPeople: count.exactOptional(),
    /**
     * Share of the pictures replaced by ones that show nothing to be learned (`drawOutlier`), for which all classes are equally likely:
     * outputs stay small when a camera shows the unforeseen.
     */
    outliers: z.number().min(0).lt(1).exactOptional(),
    augmentation: z
      .strictObject({
        /**
         * Share of the pictures that are shifted, turned, scaled or sheared; all by default. Resampling blurs a little, and a
         * network that never sees a sharp picture answers sharp ones worse the longer it learns.
         */
        share: share.exactOptional(),
        /** Pixels. */
        shift: z.number().min(0).exactOptional(),
        /** Degrees. */
        rotate: z.number().min(0).max(180).exactOptional(),
        scale: share.exactOptional(),
        shear: share.exactOptional(),
        /** What fills the border of a moved picture. */
        border: z.enum(['black', 'repeat']).exactOptional(),
        /** Swaps left and right, half of the time. */
        mirror: z.boolean().exactOptional(),
        /** Gain, gamma, offset and noise. */
        light: z.boolean().exactOptional(),
        /** Share of the pictures that get a lamp or reflection; the class stays. */
        lamp: share.exactOptional(),
        /** With two classes, "nobody" first: share of the pictures of the first that an invented passer-by turns into the second. */
        passersby: share.exactOptional(),
      })
      .exactOptional(),
  }),
  /** Paragraphs of the card: where the data comes from, what the network is not for. */
  notes: z.array(z.strictObject({ title: z.string(), text: z.string() })).exactOptional(),
});

/** A network that can be trained. */
export type Recipe = z.infer<typeof recipeSchema>;

const ZOO = new URL('../zoo/', import.meta.url);

/** Names of the bundled recipes, sorted. */
export async function listRecipes(): Promise<string[]> {
  const files = await readdir(ZOO, { recursive: true });
  return files
    .flatMap((file) => /^([^/\\]+)[/\\]recipe\.json$/.exec(file)?.[1] ?? [])
    .sort((a, b) => (a < b ? -1 : 1));
}

/** Parses a recipe; `where` names the text in messages. */
export type ParseRecipe = (text: string, where: string) => Recipe;

/** @throws NetworkError NETWORK_TRAINING naming every entry that is wrong. */
export const parseRecipe: ParseRecipe = (text, where) => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new NetworkError('NETWORK_TRAINING', `${where} is not JSON: ${(cause as Error).message}`, {
      cause,
    });
  }
  const result = recipeSchema.safeParse(value);
  if (result.success) return checkRecipe(result.data, where);
  const lines = result.error.issues.map(
    (issue) => `${where}: ${issue.path.join('.') || 'the recipe'}: ${issue.message}`,
  );
  throw new NetworkError('NETWORK_TRAINING', lines.join('\n'));
};

/**
 * Checks what a schema cannot: that layers fit the pictures, each other and the classes.
 *
 * @throws NetworkError NETWORK_TRAINING naming the layer, what is wrong with it and what to do.
 */
export function checkRecipe(recipe: Recipe, where: string): Recipe {
  const { labels, layers, picture, task = 'classification' } = recipe;
  try {
    if (task !== 'classification') {
      checkPlaces(recipe);
      return recipe;
    }
    const classes = classesOf(picture, layers);
    if (recipe.training.map !== undefined) refuse('training.map is for the task map');
    if (picture.motion !== undefined)
      refuse('picture.motion needs frames in order, and a classification takes pictures; leave it out');
    if (recipe.training.augmentation?.passersby !== undefined && classes !== 2) {
      refuse(
        `training.augmentation.passersby is for two classes, nobody and somebody; the network ends in ${classes} units`,
      );
    }
    if (labels !== undefined && labels.length !== classes) {
      refuse(
        `layers[${layers.length - 1}]: the network ends in ${classes} units for ${labels.length} labels; expected one for each`,
      );
    }
  } catch (cause) {
    throw new NetworkError('NETWORK_TRAINING', `${where}: ${(cause as Error).message}`, { cause });
  }
  return recipe;
}

function refuse(message: string): never {
  throw new NetworkError('NETWORK_TRAINING', message);
}

/** Checks a recipe that learns from boxes. */
function checkPlaces({ labels, layers, picture, task, training }: Recipe): void {
  if (labels === undefined) refuse(`labels: a ${task} needs the labels of the boxes to learn from`);
  const { height, width, channels } = picture;
  const output = stackOutput(layers, { kind: 'maps', channels, height, width }, 'layers');
  const last = `layers[${layers.length - 1}]`;
  if (task === 'map') {
    if (output.kind !== 'maps')
      refuse(`${last}: a map ends in a convolution with a map for each label, not in ${output.units} units`);
    if (output.channels !== labels.length)
      refuse(
        `${last}: the network ends in ${output.channels} maps for ${labels.length} labels; expected one for each`,
      );
    const cells = output.height * output.width * labels.length;
    if (cells > MOST_CELLS) {
      const shape = `${labels.length} × ${output.height} × ${output.width} cells`;
      refuse(
        `${last}: ${shape} are ${cells}, and an answer holds ${MOST_CELLS}; use a larger stride or smaller pictures`,
      );
    }
  } else {
    if (output.kind !== 'vector' || output.units !== labels.length)
      refuse(`${last}: a ${task} of ${labels.length} labels ends in a dense layer with as many units`);
    if (training.map !== undefined) refuse('training.map is for the task map');
  }
  const { lamp, passersby } = training.augmentation ?? {};
  const stray = Object.entries({
    'training.augmentation.lamp': lamp,
    'training.augmentation.passersby': passersby,
    'training.pastedPeople': training.pastedPeople,
    'training.balance': training.balance,
    'training.labelSmoothing': training.labelSmoothing,
  }).find(([, value]) => value !== undefined);
  if (stray !== undefined) refuse(`${stray[0]} is for a classification, and the task is ${task}`);
}

/**
 * Loads a bundled recipe by name, or a JSON file of the same form.
 *
 * @param parse parses the text of a file; for callers with better error messages than {@link parseRecipe}.
 * @throws NetworkError NETWORK_TRAINING if there is neither, or it is not valid.
 */
export async function loadRecipe(fileOrName: string, parse: ParseRecipe = parseRecipe): Promise<Recipe> {
  const names = await listRecipes();
  const source = names.includes(fileOrName) ? new URL(`${fileOrName}/recipe.json`, ZOO) : fileOrName;
  let text: string;
  try {
    text = await readFile(source, 'utf8');
  } catch (cause) {
    throw new NetworkError(
      'NETWORK_TRAINING',
      `'${fileOrName}' is neither a recipe that comes along (${names.join(', ')}) nor a JSON file that can be read`,
      { cause },
    );
  }
  return parse(text, fileOrName);
}
