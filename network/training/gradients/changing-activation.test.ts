import { describe, expect, it } from 'vitest';
import { SeededRandom } from '#network/model/random.ts';
import { graphOf, node, randomPictures, randomTensor } from '../../testing/small-graphs.ts';
import type { ChangingActivation } from './changing-activation.ts';
import { GraphTrainer } from './graph-trainer.ts';

const BATCH = 3;
const WEIGHTS = Float32Array.from({ length: 3 * BATCH }, (_, i) => Math.sin(i + 1));

/** Convolution → batch normalization → an activation → dense. */
function normalized(operator: string) {
  const random = new SeededRandom(11);
  const constants = {
    w: randomTensor(random, [2, 1, 2, 2], 0.5),
    scale: randomTensor(random, [2]),
    shift: randomTensor(random, [2]),
    mean: randomTensor(random, [2]),
    variance: { ...randomTensor(random, [2]), data: Float32Array.of(0.5, 2) },
    w2: randomTensor(random, [18, 3], 0.3),
    b2: randomTensor(random, [3]),
  };
  return graphOf([1, 4, 4], 3, constants, [
    node('Conv', ['picture', 'w'], 'c'),
    node('BatchNormalization', ['c', 'scale', 'shift', 'mean', 'variance'], 'n'),
    node(operator, ['n'], 'a'),
    node('Flatten', ['a'], 'f'),
    node('Gemm', ['f', 'w2', 'b2'], 'logits'),
  ]);
}

/** A network with values in place, and its activation, changed as far as `share`. */
async function changed(
  operator: string,
  share: number,
): Promise<{ trainer: GraphTrainer; activation: ChangingActivation }> {
  const trainer = await GraphTrainer.create(normalized(operator), BATCH, { changing: true });
  trainer.pictures.set(randomPictures(5, BATCH, 16).flatMap((picture) => [...picture]));
  const activation = trainer.activations[0]!;
  activation.share = share;
  activation.centers.set([0.2, -0.4]);
  activation.deviations.set([1.3, 0.6]);
  activation.coefficients.values.set([0.3, 0.5, 0.2, 0.4, 0.6, -0.25]);
  return { trainer, activation };
}

/** Compares all gradients with differences of the loss, and of what is added to it. */
function checkGradients(trainer: GraphTrainer, penalty: () => number): void {
  trainer.forward();
  trainer.backward((gradient) => gradient.set(WEIGHTS));
  const loss = (): number => {
    trainer.forward();
    return trainer.logits.reduce((sum, logit, i) => sum + logit * WEIGHTS[i]!, penalty());
  };
  expect(trainer.parameters.map(({ name }) => name)).toEqual(['w', 'scale', 'shift', 'w2', 'b2', 'a']);
  for (const { name, values, gradients } of trainer.parameters) {
    for (let i = 0; i < values.length; i++) {
      const kept = values[i]!;
      values[i] = kept + 2 ** -9;
      const above = loss();
      values[i] = kept - 2 ** -9;
      const measured = (above - loss()) / 2 ** -8;
      values[i] = kept;
      expect(Math.abs(gradients[i]! - measured), `${name}[${i}]`).toBeLessThan(
        0.02 * Math.max(0.5, Math.abs(measured)),
      );
    }
  }
}

describe('ChangingActivation', () => {
  it.each([
    ['Relu', 0],
    ['Relu', 0.3],
    ['Tanh', 0.6],
    ['Tanh', 1],
  ])(
    '%s, changed by %d: gradients are what differences say, through a normalization by the batch',
    async (operator, share) => {
      const { trainer } = await changed(operator, share);
      checkGradients(trainer, () => 0);
    },
  );

  it.each([
    ['Relu', 0.3],
    ['Relu', 1],
    ['Tanh', 0.6],
  ])('%s, changed by %d: pulls back what lies beyond the limit', async (operator, share) => {
    const { trainer, activation } = await changed(operator, share);
    activation.limit = 1;
    activation.pull = 0.05;
    const beyond = (): number[] =>
      [...activation.input.values]
        .map((x, i) => {
          const map = Math.floor(i / 9) % 2;
          return Math.abs(x - activation.centers[map]!) / activation.deviations[map]! - activation.limit;
        })
        .filter((distance) => distance > 0);
    checkGradients(trainer, () => 0.05 * beyond().reduce((sum, b) => sum + b * b + 2 * b, 0));
    expect(beyond().length).toBeGreaterThan(5);
    expect(beyond().length).toBeLessThan(activation.input.values.length - 5);
  });

  it('takes the bound for what lies beyond it where a pass clamps, and only there', async () => {
    const { trainer, activation } = await changed('Relu', 1);
    activation.limit = 0.5;
    const [free, clamped] = [false, true].map((clamps) => {
      trainer.forward(false, clamps);
      return [...trainer.valuesOf('a').values];
    });
    const powers = [0, 1].map((map) => activation.powers(map));
    [...activation.input.values].forEach((x, i) => {
      const map = Math.floor(i / 9) % 2;
      const [c, b, a] = powers[map]!;
      const [m, d] = [activation.centers[map]!, activation.deviations[map]!];
      const within = Math.min(m + 0.5 * d, Math.max(m - 0.5 * d, x));
      expect(free![i]).toBeCloseTo((a * x + b) * x + c, 4);
      expect(clamped![i]).toBeCloseTo((a * within + b) * within + c, 4);
    });
    expect(clamped).not.toEqual(free);
  });

  it('goes by the running statistics where it does not train, and leaves them alone', async () => {
    const trainer = await GraphTrainer.create(normalized('Relu'), BATCH, { changing: true });
    trainer.pictures.set(randomPictures(5, BATCH, 16).flatMap((picture) => [...picture]));
    const statistics = trainer.statistics.map(({ name, values }) => [name, [...values]]);
    trainer.forward(false);
    expect(trainer.statistics.map(({ name, values }) => [name, [...values]])).toEqual(statistics);
    const plain = await GraphTrainer.create(normalized('Relu'), BATCH);
    plain.pictures.set(trainer.pictures);
    plain.forward();
    trainer.logits.forEach((logit, i) => {
      expect(logit).toBeCloseTo(plain.logits[i]!, 5);
    });
    trainer.forward();
    expect(trainer.statistics.map(({ values }) => [...values])).not.toEqual(
      statistics.map(([, values]) => values),
    );
  });
});
