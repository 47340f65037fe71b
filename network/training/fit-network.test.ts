import { describe, expect, it } from 'vitest';
import type { Dataset } from '#network/model/dataset.ts';
import { SeededRandom } from '#network/model/random.ts';
import type { Architecture } from './architecture.ts';
import type { FitOptions } from './fit-options.ts';
import { type TrainingOptions, trainNetwork } from './train.ts';

const architecture: Architecture = [
  { kind: 'convolution', maps: 5, kernel: 3, padding: 1 },
  { kind: 'herpn' },
  { kind: 'residual', layers: [{ kind: 'convolution', maps: 5, kernel: 3, padding: 1 }] },
  { kind: 'normalize' },
  { kind: 'polynomial', coefficients: [0, 0.5, 0.25], perMap: true },
  { kind: 'dense', units: 2 },
];

/** Bright on the left, or on the right. */
function dataset(): Dataset {
  const random = new SeededRandom(4);
  const classes = Uint8Array.from({ length: 60 }, () => random.below(2));
  const pictures = Float32Array.from(
    { length: 60 * 20 },
    (_, i) => random.uniform() + (Math.floor((i % 5) / 3) === classes[Math.floor(i / 20)] ? 0.3 : 0),
  );
  return { picture: { channels: 1, height: 4, width: 5 }, labels: ['left', 'right'], pictures, classes };
}

const all = dataset();

async function trained(options: Partial<TrainingOptions> = {}): Promise<number[][]> {
  const { network } = await trainNetwork(architecture, all, all, {
    ...{ seed: 3, epochs: 4, batch: 20, learningRate: 0.01, weightDecay: 0.01, averaging: 0.9 },
    ...{ clamp: { range: 3 }, freezeNormalizationAt: 0.75, labelSmoothing: 0.1 },
    augment: (picture, random) => {
      picture[random.below(20)]! += random.uniform();
      return undefined;
    },
    ...options,
  });
  return network.state.map((values) => [...values]);
}

type Store = NonNullable<FitOptions['resume']> & { kept: Uint8Array | null };

function store(identity: Record<string, string> = { recipe: 'a', seed: '3' }): Store {
  const own: Store = {
    kept: null,
    identity,
    load: async () => own.kept,
    save: async (state) => {
      own.kept = state;
    },
  };
  return own;
}

describe('training', () => {
  it('gives the same network whatever the number of threads', async () => {
    const alone = await trained({ threads: 1 });
    for (const threads of [2, 3]) expect(await trained({ threads })).toEqual(alone);
  });

  it.each(['adam', 'sgd'] as const)(
    'goes on where it was, to what it would have come to (%s)',
    async (optimizer) => {
      const whole = await trained({ optimizer });
      const resume = store();
      for (const stop of [1, 3]) {
        const controller = new AbortController();
        const pause = ({ epoch }: { readonly epoch: number }): void => {
          if (epoch === stop) controller.abort();
        };
        await trained({ optimizer, resume, signal: controller.signal, onProgress: pause });
      }
      const epochs: number[] = [];
      const resumed = await trained({ optimizer, resume, onProgress: ({ epoch }) => epochs.push(epoch) });
      expect(epochs).toEqual([4]);
      expect(resumed).toEqual(whole);
      // And once more: all has been done.
      expect(await trained({ optimizer, resume, onProgress: () => expect.fail('an epoch') })).toEqual(whole);
    },
  );

  it('refuses what was kept of another training, or is damaged, and says what differs', async () => {
    const resume = store();
    await trained({ epochs: 1, resume });
    const { kept } = resume;
    const refused = (state: Uint8Array, identity?: Record<string, string>) =>
      expect(trained({ resume: Object.assign(store(identity), { kept: state }) })).rejects;
    const code = 'NETWORK_RESUME';
    await refused(kept!, { recipe: 'b', seed: '4' }).toMatchObject({
      code,
      message: expect.stringContaining('not the same recipe, seed'),
    });
    const damaged = kept!.slice();
    damaged[damaged.length >> 1]! ^= 1;
    await refused(damaged).toMatchObject({ code, message: expect.stringContaining('damaged') });
    await refused(kept!.subarray(0, 100)).toMatchObject({ code });
    await refused(new Uint8Array()).toMatchObject({ code });
    await refused(Buffer.from('a network')).toMatchObject({ code });
  });
});
