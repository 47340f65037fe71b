import { describe, expect, it } from 'vitest';
import type { Graph } from '#network/model/graph.ts';
import { SeededRandom } from '#network/model/random.ts';
import { runGraph } from '#network/model/run/run.ts';
import { graphOf, node, randomTensor } from '#network/testing/small-graphs.ts';
import { lowerSteps } from '../lowering/lower-steps.ts';
import { runSteps } from '../lowering/run-steps.ts';
import { adaptPictureInput } from './picture-input.ts';

const random = new SeededRandom(1);
const gray = { channels: 1, height: 2, width: 3 };
const color = { channels: 3, height: 2, width: 2 };

/** Flatten → dense on pictures of this shape. */
function denseOn(shape: readonly number[]): Graph {
  const size = shape.reduce((a, b) => a * b, 1);
  return graphOf(shape, 2, { w: randomTensor(random, [size, 2]), b: randomTensor(random, [2]) }, [
    node('Flatten', ['picture'], 'flat'),
    node('Gemm', ['flat', 'w', 'b'], 'logits'),
  ]);
}

function expectClose(given: ArrayLike<number>, wanted: ArrayLike<number>): void {
  expect(given.length).toBe(wanted.length);
  Array.from(given).forEach((value, i) => {
    expect(value).toBeCloseTo(wanted[i]!, 4);
  });
}

/** Both the clear runner and the compiled graph. */
function expectAnswers(graph: Graph, picture: Float32Array, wanted: ArrayLike<number>): void {
  expectClose(runGraph(graph, picture), wanted);
  expectClose(runSteps(lowerSteps(graph), picture), wanted);
}

describe('PictureInput', () => {
  it('leaves a network alone that takes what a gateway gives', () => {
    const graph = denseOn([1, 2, 3]);
    expect(adaptPictureInput(graph, gray, { divide: 255 })).toBe(graph);
  });

  it('undoes byte / 255 and does what the owner did', () => {
    const graph = denseOn([3, 2, 2]);
    const bytes = Float32Array.from({ length: 12 }, (_, i) => 20 * i);
    const scaling = { divide: 128, mean: [0.4, 0.5, 0.6], deviation: [0.2, 0.25, 0.5] };
    const fed = bytes.map((byte, i) => {
      const c = Math.floor(i / 4);
      return (byte / 128 - scaling.mean[c]!) / scaling.deviation[c]!;
    });
    const adapted = adaptPictureInput(graph, color, scaling);
    expectAnswers(
      adapted,
      bytes.map((byte) => byte / 255),
      runGraph(graph, fed),
    );
  });

  it('takes one number for all channels', () => {
    const graph = denseOn([3, 2, 2]);
    const picture = Float32Array.from({ length: 12 }, (_, i) => i / 12);
    const adapted = adaptPictureInput(graph, color, { mean: [0.5], deviation: [0.25] });
    expectAnswers(
      adapted,
      picture,
      runGraph(
        graph,
        picture.map((value) => (value - 0.5) / 0.25),
      ),
    );
  });

  it('serves networks that want channels last, or a flat vector', () => {
    const picture = Float32Array.from({ length: 12 }, (_, i) => i / 12);
    const last = denseOn([2, 2, 3]);
    const swapped = Float32Array.from({ length: 12 }, (_, i) => picture[(i % 3) * 4 + Math.floor(i / 3)]!);
    expectAnswers(adaptPictureInput(last, color), picture, runGraph(last, swapped));
    const flat = denseOn([6]);
    const small = picture.slice(0, 6);
    expectAnswers(
      adaptPictureInput(flat, gray, { divide: 51 }),
      small,
      runGraph(
        flat,
        small.map((v) => 5 * v),
      ),
    );
  });

  it('opens the batch of a network that was exported for one picture', () => {
    const graph = denseOn([1, 2, 3]);
    const reshape = node('Reshape', ['picture', 'shape'], 'flat');
    const shape = { type: 'int64', shape: [2], data: Float64Array.of(1, 6) } as const;
    const single: Graph = {
      ...graph,
      inputs: [{ ...graph.inputs[0]!, shape: [1, 1, 2, 3] }],
      initializers: new Map([...graph.initializers, ['shape', shape]]),
      nodes: [reshape, ...graph.nodes.slice(1)],
    };
    const pictures = Float32Array.from({ length: 12 }, (_, i) => i / 12);
    const doubled = pictures.map((value) => 2 * value);
    expectClose(
      runGraph(adaptPictureInput(single, gray, { divide: 127.5 }), pictures),
      runGraph(graph, doubled),
    );
  });

  it.each([
    ['another size', { channels: 1, height: 4, width: 4 }, {}, 'takes 1×2×3, the pictures are 1×4×4'],
    ['a divisor of zero', gray, { divide: 0 }, 'divide by 0: expected a positive number'],
    ['two means for one channel', gray, { mean: [0.1, 0.2] }, 'mean 0.1, 0.2: expected one number'],
    ['a deviation of zero', gray, { deviation: [0] }, 'std 0: expected positive numbers'],
  ])('refuses %s', (_, picture, scaling, message) => {
    expect(() => adaptPictureInput(denseOn([1, 2, 3]), picture, scaling)).toThrow(message);
  });
});
