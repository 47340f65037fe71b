import { describe, expect, it } from 'vitest';
import { SeededRandom } from '#network/model/random.ts';
import { graphOf, node, randomPictures, randomTensor } from '../../testing/small-graphs.ts';
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

describe('ChangingActivation', () => {
  it.each([
    ['Relu', 0],
    ['Relu', 0.3],
    ['Tanh', 0.6],
    ['Tanh', 1],
  ])(
    '%s, changed by %d: gradients are what differences say, through a normalization by the batch',
    async (operator, share) => {
      const trainer = await GraphTrainer.create(normalized(operator), BATCH, { changing: true });
      trainer.pictures.set(randomPictures(5, BATCH, 16).flatMap((picture) => [...picture]));
      const [activation] = trainer.activations;
      activation!.share = share;
      activation!.centers.set([0.2, -0.4]);
      activation!.deviations.set([1.3, 0.6]);
      activation!.coefficients.values.set([0.3, 0.5, 0.2, 0.4, 0.6, -0.25]);
      trainer.forward();
      trainer.backward((gradient) => gradient.set(WEIGHTS));
      const loss = (): number => {
        trainer.forward();
        return trainer.logits.reduce((sum, logit, i) => sum + logit * WEIGHTS[i]!, 0);
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
    },
  );

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
