import type { FineTuner, ImportOptions, StagedWork } from '#network/compiler/importing/import-network.ts';
import { NetworkError } from '#network/errors.ts';
import type { DatasetPart } from '#network/model/dataset.ts';
import type { Graph } from '#network/model/graph.ts';
import { writeOnnx } from '#network/model/onnx/onnx.ts';
import { fineTune } from './fine-tune.ts';
import { replaceInStages } from './replace-in-stages.ts';
import { type Resumable, readResumeFile, type TrainingIdentity, writeResumeFile } from './resume-file.ts';
import { bytesOf, digestOf } from './state-form.ts';

/** How to fine-tune an imported network. */
export type FineTunerOptions = {
  /** Default: enough to see about 120 000 pictures; where activations are replaced in stages, about 240 000. */
  readonly epochs?: number;
  /** Default: 0.025, where activations are replaced in stages 0.01; divided by four each time the loss diverges. */
  readonly learningRate?: number;
  readonly seed?: number;
  /** File to keep the state of training in stages in, once a minute and when it is stopped; if it is there, training goes on from it. */
  readonly resume?: string;
};

/** Pictures that fine-tuning sees unless told otherwise. */
const FINE_TUNED_PICTURES = 120_000;
const STAGED_PICTURES = 240_000;
const BATCH = 32;
/** Tried in turn. Shallow networks gain most at the first; ResNet-20, its activations replaced by squares, diverged at it. */
const LEARNING_RATES = [25e-3, 6e-3, 1.5e-3, 4e-4];
/** Normalized by the batch, and with activations that change gradually, nothing diverged at the first so far. */
const STAGED_RATES = [1e-2, 2.5e-3, 6e-4];

type Options = Pick<ImportOptions, 'signal' | 'onProgress'>;

/** Trains at each rate in turn until the loss does not diverge. */
async function atHighestRate<T>(
  rates: readonly number[],
  onProgress: Options['onProgress'],
  train: (learningRate: number, stepped: () => void) => Promise<T>,
): Promise<T> {
  for (let i = 0; ; i++) {
    let stepped = false;
    try {
      return await train(rates[i]!, () => {
        stepped = true;
      });
    } catch (error) {
      const next = rates[i + 1];
      const diverged = stepped && error instanceof NetworkError && error.code === 'NETWORK_TRAINING';
      if (!diverged || next === undefined) throw error;
      onProgress?.({ step: 'slower', learningRate: next });
    }
  }
}

/** What a resume file belongs to. */
function identityOf({ given, training }: StagedWork, settings: object): TrainingIdentity {
  return {
    network: digestOf(writeOnnx(given)),
    pictures: digestOf(bytesOf(training.whole.pictures), training.whole.classes),
    settings: JSON.stringify(settings),
  };
}

/**
 * Fine-tunes at the requested rate, or at the highest usual one at which the loss does not diverge.
 *
 * @returns functions that throw NetworkError NETWORK_TRAINING if training diverges at every rate, NETWORK_RESUME if the resume file is of
 * another training or cannot be written, and as {@link fineTune} and {@link replaceInStages}.
 */
export function fineTuner({
  epochs: wanted,
  learningRate,
  seed = 2026,
  resume,
}: FineTunerOptions = {}): FineTuner {
  const ratesOf = (usual: readonly number[]): readonly number[] =>
    learningRate === undefined ? usual : [learningRate];
  const tune = (graph: Graph, training: DatasetPart, { signal, onProgress }: Options): Promise<Graph> => {
    const epochs = wanted ?? Math.max(1, Math.round(FINE_TUNED_PICTURES / training.chosen.length));
    return atHighestRate(ratesOf(LEARNING_RATES), onProgress, (rate, stepped) =>
      fineTune(graph, training, {
        ...{ epochs, batch: BATCH, learningRate: rate, seed },
        ...(signal && { signal }),
        onProgress: ({ epoch, step, steps, loss }) => {
          stepped();
          onProgress?.({ step: 'fine-tuning', done: (epoch - 1 + step / steps) / epochs, loss });
        },
      }),
    );
  };
  const replace: FineTuner['replace'] = async (work, { signal, onProgress }) => {
    const pictures = wanted === undefined ? STAGED_PICTURES : wanted * work.training.chosen.length;
    const rates = ratesOf(STAGED_RATES);
    const identity = resume === undefined ? {} : identityOf(work, { pictures, batch: BATCH, rates, seed });
    let from = resume === undefined ? null : await readResumeFile(resume, identity);
    // What diverged at one rate is not gone on with at the next.
    const first = from === null ? 0 : rates.indexOf((from.about as { rate: number }).rate);
    return atHighestRate(rates.slice(Math.max(0, first)), onProgress, async (rate, stepped) => {
      const begin = from?.about as { state: unknown } | undefined;
      const state: Resumable | undefined =
        from === null ? undefined : { about: begin!.state, arrays: from.arrays };
      from = null;
      return replaceInStages(work, {
        ...{ pictures, batch: BATCH, learningRate: rate, seed },
        ...(signal && { signal }),
        ...(state && { from: state }),
        ...(resume !== undefined && {
          keep: ({ about, arrays }) =>
            writeResumeFile(resume, identity, { about: { rate, state: about }, arrays }),
        }),
        onProgress: (progress) => {
          if (progress.step === 'fine-tuning') stepped();
          onProgress?.(progress);
        },
      });
    });
  };
  return { tune, replace };
}
