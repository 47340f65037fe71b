import { join } from 'node:path';
import { trainCounter } from '#network/training/train-counter.ts';
import { COUNTER_CLIP } from '../demo/simulated-camera.ts';
import { stopSignal } from '../stop-signal.ts';

/** `blindsight train counter`. */
export async function train(options: {
  clip?: string;
  labels?: string;
  out: string;
  seed?: number;
}): Promise<void> {
  const clip = options.clip ?? COUNTER_CLIP;
  const result = await trainCounter({
    clip,
    presence: options.labels ?? join(clip, '..', 'presence.csv'),
    out: options.out,
    ...(options.seed === undefined ? {} : { seed: options.seed }),
    signal: stopSignal(),
    onProgress: ({ epoch, epochs, loss, trainingAccuracy }) => {
      const accuracy = `${(trainingAccuracy * 100).toFixed(1)} % of the training frames`;
      process.stderr.write(`… epoch ${epoch} of ${epochs}: loss ${loss.toFixed(3)}, ${accuracy}\n`);
    },
  });
  process.stdout.write(
    `${options.out}: ${(result.accuracy * 100).toFixed(2)} % of ${result.testFrames} test frames; see results.md there\n`,
  );
}
