import { describe, expect, it } from 'vitest';
import { accuracyOf } from '#network/model/confusion.ts';
import type { Dataset } from '#network/model/dataset.ts';
import { SeededRandom } from '#network/model/random.ts';
import type { Architecture } from './architecture.ts';
import type { EpochReport } from './fit-options.ts';
import { predict, trainNetwork } from './train.ts';

/** Two halves of a 4 × 4 picture; the label is which one is brighter XOR whether the picture is bright: not linear. */
function puzzle(seed: number, count: number): Dataset {
  const random = new SeededRandom(seed);
  const pictures = new Float32Array(count * 16);
  const classes = new Uint8Array(count);
  for (let n = 0; n < count; n++) {
    const left = random.below(2);
    const right = random.below(2);
    for (let p = 0; p < 16; p++)
      pictures[n * 16 + p] = 0.8 * (p % 4 < 2 ? left : right) + random.uniform(0, 0.2);
    classes[n] = left ^ right;
  }
  return { picture: { channels: 1, height: 4, width: 4 }, labels: ['same', 'different'], pictures, classes };
}

const architecture: Architecture = [
  { kind: 'dense', units: 4 },
  { kind: 'square' },
  { kind: 'dense', units: 2 },
];
const options = { seed: 5, epochs: 12, batch: 16, learningRate: 0.02, weightDecay: 1e-3 };

describe('Train', () => {
  it('learns what no linear classifier can', async () => {
    const curve: EpochReport[] = [];
    const { network } = await trainNetwork(architecture, puzzle(1, 256), puzzle(2, 64), {
      ...options,
      onProgress: (report) => curve.push(report),
    });
    const test = puzzle(3, 200);
    expect(accuracyOf(predict(network, test, new Float32Array(16), 1), test.classes)).toBe(1);
    expect(curve).toHaveLength(12);
    expect(curve.at(-1)!.loss).toBeLessThan(curve[0]!.loss / 2);
  });

  it('gives the same weights for the same seed and others for another', async () => {
    const weights = async (seed: number): Promise<number[]> => {
      const { network } = await trainNetwork(architecture, puzzle(1, 64), puzzle(2, 16), {
        ...options,
        seed,
        epochs: 2,
      });
      return [...network.parameters[0]!.values];
    };
    const first = await weights(1);
    expect(await weights(1)).toEqual(first);
    expect(await weights(2)).not.toEqual(first);
  });

  it('stops early, and keeps the best epoch', async () => {
    const { curve } = await trainNetwork(architecture, puzzle(1, 64), puzzle(2, 16), {
      ...options,
      epochs: 200,
      patience: 3,
    });
    expect(curve.length).toBeLessThan(200);
  });

  it('keeps the best so far where it is stopped, and nothing before the first epoch has ended', async () => {
    const stop = new AbortController();
    const reports: EpochReport[] = [];
    const onProgress = (report: EpochReport): void => {
      reports.push(report);
      if (report.epoch === 2) stop.abort();
    };
    const stopped = await trainNetwork(architecture, puzzle(1, 64), puzzle(2, 16), {
      ...options,
      signal: stop.signal,
      onProgress,
    });
    expect(stopped.curve).toEqual(reports);
    expect(reports).toHaveLength(2);
    const best = Math.max(...reports.map((report) => report.validationScore));
    const test = puzzle(2, 16);
    const logits = predict(stopped.network, test, new Float32Array(16), 1);
    expect(accuracyOf(logits, test.classes)).toBe(best);
    const aborted = AbortSignal.abort(new Error('enough'));
    const run = trainNetwork(architecture, puzzle(1, 64), puzzle(2, 16), { ...options, signal: aborted });
    await expect(run).rejects.toThrow('enough');
  });

  it('says what to do where the loss runs away', async () => {
    const run = trainNetwork(architecture, puzzle(1, 64), puzzle(2, 16), { ...options, learningRate: 1e20 });
    await expect(run).rejects.toThrow('lower the learning rate');
  });
});
