import { setImmediate } from 'node:timers/promises';
import { trainingThreads } from '#network/model/kernel/training-threads.ts';
import { Workspace } from '#network/model/kernel/workspace.ts';
import type { Architecture } from './architecture.ts';
import type { FitOptions, TrainingResult } from './fit-options.ts';
import { Fitting } from './fitting.ts';
import type { Objective } from './objective.ts';

const WORKSPACE_BYTES = 1.5 * 2 ** 30;
/** Products from which on further threads are worth starting: a few seconds' work. */
const MANY_PRODUCTS = 3e10;

/**
 * Trains a network; the same seed, objective and options give the same weights on every machine, whatever the number of threads and however often it
 * was interrupted and resumed.
 *
 * @throws NetworkError NETWORK_TRAINING if the loss stops being a number; NETWORK_RESUME if what was kept is of another training, or damaged; the
 * signal's reason if it is aborted before the first epoch has ended.
 */
export async function fitNetwork(
  architecture: Architecture,
  objective: Objective,
  options: FitOptions,
): Promise<TrainingResult> {
  const { epochs, signal, resume } = options;
  const workspace = await Workspace.create(WORKSPACE_BYTES);
  try {
    const fitting = new Fitting(workspace, architecture, objective, options);
    const kept = await resume?.load();
    if (resume && kept) fitting.restore(kept, resume.identity);
    // Forward, and backward by weights and by inputs.
    const products = 3 * fitting.network.products * objective.count * (epochs - fitting.epoch);
    workspace.useThreads(options.threads ?? (products < MANY_PRODUCTS ? 1 : trainingThreads()));
    while (!fitting.isOver && !signal?.aborted) {
      const report = await fitting.runEpoch(signal, options.onStep);
      if (report === null) break;
      if (resume) await resume.save(fitting.state(resume.identity));
      options.onProgress?.(report);
      // Lets timers, signals and progress output run.
      await setImmediate();
    }
    if (fitting.curve.length === 0) signal?.throwIfAborted();
    return fitting.finish();
  } finally {
    await workspace.close();
  }
}
