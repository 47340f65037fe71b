import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { graphOf, node, randomPictures } from '#network/testing/small-graphs.ts';
import type { Tensor } from '../graph.ts';
import { readOnnx } from '../onnx/onnx.ts';
import { openBatch } from './open-batch.ts';
import { evaluateGraph, runGraph } from './run.ts';

const shape = (...values: number[]): Tensor => ({
  type: 'int64',
  shape: [values.length],
  data: Float64Array.from(values),
});
const ones: Tensor = { type: 'float32', shape: [6, 2], data: new Float32Array(12).fill(1) };

describe('OpenBatch', () => {
  it('lets a graph for four pictures answer for one, and for three', () => {
    const fixed = {
      ...graphOf([2, 3], 2, { s: shape(4, 6), w: ones }, [
        node('Reshape', ['picture', 's'], 'flat'),
        node('MatMul', ['flat', 'w'], 'logits'),
      ]),
      inputs: [{ name: 'picture', type: 'float32' as const, shape: [4, 2, 3] }],
    };
    expect(runGraph(fixed, new Float32Array(6).fill(2))).toEqual(Float32Array.of(12, 12));
    expect(runGraph(fixed, new Float32Array(18).fill(1))).toEqual(new Float32Array(6).fill(6));
    expect(openBatch(fixed).inputs[0]!.shape).toEqual([-1, 2, 3]);
  });

  it('opens the rest of a graph whose input is open already', () => {
    const half = {
      ...graphOf([2, 3], 2, { s: shape(1, 6), w: ones }, [
        node('Reshape', ['picture', 's'], 'flat'),
        node('MatMul', ['flat', 'w'], 'logits'),
      ]),
      outputs: [{ name: 'logits', type: 'float32' as const, shape: [1, 2] }],
    };
    expect(runGraph(half, new Float32Array(18).fill(1))).toEqual(new Float32Array(6).fill(6));
  });

  it('leaves the shapes of weights alone', () => {
    const graph = {
      ...graphOf([6], 2, { s: shape(1, 12), t: shape(6, 2), w: ones }, [
        node('Reshape', ['w', 's'], 'row'),
        node('Reshape', ['row', 't'], 'matrix'),
        node('MatMul', ['picture', 'matrix'], 'logits'),
      ]),
      inputs: [{ name: 'picture', type: 'float32' as const, shape: [1, 6] }],
    };
    expect(openBatch(graph).nodes).toEqual(graph.nodes);
    expect(runGraph(graph, new Float32Array(12).fill(1))).toEqual(new Float32Array(4).fill(6));
  });

  it('answers for one picture of a batch-16 export as for sixteen', () => {
    const file = fileURLToPath(new URL('../../../test/data/onnx/ngraph-he-cryptonets.onnx', import.meta.url));
    const graph = readOnnx(readFileSync(file));
    const pictures = randomPictures(1, 16, 784);
    const all = Float32Array.from(pictures.flatMap((picture) => [...picture]));
    const [input, output] = [graph.inputs[0]!, graph.outputs[0]!];
    const tensor: Tensor = { type: 'float32', shape: input.shape!, data: all };
    const truth = evaluateGraph(graph, new Map([[input.name, tensor]])).get(output.name)!;
    const one = runGraph(graph, pictures[5]!);
    one.forEach((value, k) => {
      expect(value).toBeCloseTo(truth.data[50 + k]!, 5);
    });
  });
});
