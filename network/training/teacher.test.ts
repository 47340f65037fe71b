import { describe, expect, it } from 'vitest';
import type { Dataset } from '#network/model/dataset.ts';
import type { Graph } from '#network/model/graph.ts';
import { SeededRandom } from '#network/model/random.ts';
import { runGraph } from '#network/model/run/run.ts';
import { graphOf, ints, node, randomPictures, randomTensor } from '../testing/small-graphs.ts';
import type { Architecture } from './architecture.ts';
import { distill } from './distillation.ts';
import { Teacher } from './teacher.ts';
import { predict, trainNetwork } from './train.ts';

const picture = { channels: 1, height: 4, width: 4 };

/** What people have: ReLU, max pooling, Softmax at the end. */
function given(classes = 3): Graph {
  const random = new SeededRandom(5);
  return graphOf(
    [1, 4, 4],
    classes,
    { w: randomTensor(random, [4, 1, 3, 3]), w2: randomTensor(random, [16, classes]) },
    [
      node('Conv', ['picture', 'w'], 'c', { pads: ints(1, 1, 1, 1) }),
      node('Relu', ['c'], 'r'),
      node('MaxPool', ['r'], 'p', { kernel_shape: ints(2, 2), strides: ints(2, 2) }),
      node('Sigmoid', ['p'], 's'),
      node('Flatten', ['s'], 'f'),
      node('MatMul', ['f', 'w2'], 'logits'),
    ],
  );
}

describe('Teacher', () => {
  it('answers as the network given', async () => {
    const teacher = await Teacher.create(given(), picture, 3, 2);
    for (const seed of [1, 2]) {
      const pictures = randomPictures(seed, 2, 16);
      pictures.forEach((one, n) => {
        teacher.pictures.set(one, 16 * n);
      });
      const wanted = pictures.flatMap((one) => [...runGraph(given(), one)]);
      teacher.answer().forEach((logit, i) => {
        expect(logit).toBeCloseTo(wanted[i]!, 4);
      });
    }
  });

  it('says how many pictures it answers as they are labelled, and can be fed in its own way', async () => {
    const pictures = randomPictures(3, 5, 16);
    const answers = pictures.map((one) =>
      runGraph(
        given(),
        one.map((x) => (x - 0.5) / 0.25),
      ),
    );
    const right = answers.map((logits) => logits.indexOf(Math.max(...logits)));
    const dataset = {
      ...{ picture, labels: ['a', 'b', 'c'] },
      pictures: Float32Array.from(pictures.flatMap((one) => [...one])),
      classes: Uint8Array.from(right, (label, n) => (n === 4 ? (label + 1) % 3 : label)),
    };
    const scaling = { mean: [0.5], deviation: [0.25] };
    expect((await Teacher.create(given(), picture, 3, 2, { scaling })).accuracyOn(dataset)).toBe(0.8);
    const broken = await Teacher.create(given(), picture, 3, 2, { scaling: { mean: [1e39] } });
    expect(() => broken.accuracyOn(dataset)).toThrow(expect.objectContaining({ code: 'NETWORK_TEACHER' }));
  });

  it.each([
    [{ ...picture, height: 5 }, 3, /'test' cannot be the teacher: .*5/],
    [picture, 4, /3 outputs, and 4 classes/],
  ])('is refused for pictures of %j and %i classes', async (shape, classes, text) => {
    await expect(Teacher.create(given(), shape, classes, 2)).rejects.toMatchObject({
      code: 'NETWORK_TEACHER',
      message: expect.stringMatching(text),
    });
  });
});

it('mixes the loss by labels with the divergence from a teacher, whose gradient is what differences say', () => {
  const logits = Float32Array.of(0.3, -1.2, 2);
  const teacher = Float32Array.of(1, 0.5, -0.3);
  const settings = { share: 0.6, temperature: 2 };
  // The loss by labels has the gradient (1, 2, 3) here.
  const loss = (at: Float32Array): number =>
    distill(at, teacher, settings, at[0]! + 2 * at[1]! + 3 * at[2]!, new Float32Array(3));
  const gradient = Float32Array.of(1, 2, 3);
  distill(logits, teacher, settings, 0, gradient);
  gradient.forEach((slope, k) => {
    const moved = (by: number): Float32Array => logits.map((logit, i) => (i === k ? logit + by : logit));
    expect(slope).toBeCloseTo((loss(moved(2 ** -8)) - loss(moved(-(2 ** -8)))) / 2 ** -7, 4);
  });
  expect(distill(logits, logits, { ...settings, share: 1 }, 9, gradient)).toBeCloseTo(0, 12);
});

it('teaches a network what no label says', async () => {
  const graph = given();
  const pictures = randomPictures(9, 200, 16);
  const dataset: Dataset = {
    picture,
    labels: ['a', 'b', 'c'],
    pictures: Float32Array.from(pictures.flatMap((one) => [...one])),
    classes: new Uint8Array(200),
  };
  const wanted = pictures.flatMap((one) => [...runGraph(graph, one)]);
  const architecture: Architecture = [
    { kind: 'convolution', maps: 4, kernel: 3, padding: 1 },
    { kind: 'herpn' },
    { kind: 'dense', units: 3 },
  ];
  const options = { seed: 1, epochs: 20, batch: 20, learningRate: 0.02, weightDecay: 0 };
  const { network } = await trainNetwork(architecture, dataset, dataset, {
    ...options,
    teacher: { network: await Teacher.create(graph, picture, 3, 20), share: 1, temperature: 1 },
  });
  const logits = predict(network, dataset, new Float32Array(16), 1);
  const answer = (all: ArrayLike<number>, n: number): number =>
    [0, 1, 2].reduce((best, k) => (all[3 * n + k]! > all[3 * n + best]! ? k : best), 0);
  const same = pictures.filter((_, n) => answer(logits, n) === answer(wanted, n));
  expect(same.length).toBeGreaterThan(160);
});
