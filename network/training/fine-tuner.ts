import type { FineTuner } from '#network/compiler/importing/import-network.ts';
import { NetworkError } from '#network/errors.ts';
import { fineTune } from './fine-tune.ts';

/** How to fine-tune an imported network. */
export type FineTunerOptions = {
  /** Default: enough to see about 120 000 pictures. */
  readonly epochs?: number;
  /** Default: 0.025, divided by four each time the loss diverges. */
  readonly learningRate?: number;
  readonly seed?: number;
};

/** Pictures that fine-tuning sees unless told otherwise. */
const FINE_TUNED_PICTURES = 120_000;
const BATCH = 32;
/** Tried in turn. Shallow networks gain most at the first; ResNet-20, its activations replaced by squares, diverged at it. */
const LEARNING_RATES = [25e-3, 6e-3, 1.5e-3, 4e-4];

/**
 * Fine-tunes at the requested rate, or at the highest usual one at which the loss does not diverge.
 *
 * @returns a function that throws NetworkError NETWORK_TRAINING if training diverges at every rate, and as {@link fineTune}.
 */
export function fineTuner({ epochs: wanted, learningRate, seed = 2026 }: FineTunerOptions = {}): FineTuner {
  return async (graph, training, { signal, onProgress }) => {
    const epochs = wanted ?? Math.max(1, Math.round(FINE_TUNED_PICTURES / training.classes.length));
    const rates = learningRate === undefined ? LEARNING_RATES : [learningRate];
    for (let i = 0; ; i++) {
      let stepped = false;
      try {
        return await fineTune(graph, training, {
          epochs,
          batch: BATCH,
          learningRate: rates[i]!,
          seed,
          ...(signal && { signal }),
          onProgress: ({ epoch, step, steps, loss }) => {
            stepped = true;
            onProgress?.({ step: 'fine-tuning', done: (epoch - 1 + step / steps) / epochs, loss });
          },
        });
      } catch (error) {
        const next = rates[i + 1];
        const diverged = stepped && error instanceof NetworkError && error.code === 'NETWORK_TRAINING';
        if (!diverged || next === undefined) throw error;
        onProgress?.({ step: 'slower', learningRate: next });
      }
    }
  };
}
