import { describe, expect, it } from 'vitest';
import { loadZooNetwork } from '../model/description/zoo.ts';
import type { Graph, Tensor } from '../model/graph.ts';
import { readOnnx, writeOnnx } from '../model/onnx/onnx.ts';
import { MARK_STRENGTH } from './mark-amplitudes.ts';
import { markGraph } from './mark-graph.ts';

const key = Buffer.alloc(32, 1);
const WEIGHTS = ['layer0.weight', 'layer4.weight', 'layer7.weight'];
const { graph } = await loadZooNetwork('counter');
/** Weights of the largest layer, layer4. */
const LARGEST = graph.initializers.get('layer4.weight')!.data.length;

function withTensor(name: string, change: (tensor: Tensor) => Tensor): Graph {
  const tensor = graph.initializers.get(name)!;
  return { ...graph, initializers: new Map([...graph.initializers, [name, change(tensor)]]) };
}

/** Amounts that a key added to a tensor. */
function markOf(name: string, source = graph, of: Uint8Array = key): number[] {
  const before = source.initializers.get(name)!.data;
  return [...markGraph(source, of).initializers.get(name)!.data].map((value, i) => value - before[i]!);
}

function correlation(a: readonly number[], b: readonly number[]): number {
  const dot = (x: readonly number[], y: readonly number[]) =>
    x.reduce((sum, value, i) => sum + value * y[i]!, 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}

describe('markGraph', () => {
  it('changes the weights of linear layers, and nothing else', () => {
    const marked = markGraph(graph, key);
    const changed = [...graph.initializers.keys()].filter(
      (name) => `${marked.initializers.get(name)!.data}` !== `${graph.initializers.get(name)!.data}`,
    );
    expect(changed).toEqual(WEIGHTS);
    expect({ ...marked, initializers: null }).toEqual({ ...graph, initializers: null });
    expect([...marked.initializers.keys()]).toEqual([...graph.initializers.keys()]);
    expect(readOnnx(writeOnnx(marked)).initializers).toEqual(marked.initializers);
  });

  it('adds amounts that only the key tells, of a share of each layer that grows with the root of its size', () => {
    for (const name of WEIGHTS) {
      const values = [...graph.initializers.get(name)!.data];
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      const deviation = Math.sqrt(
        values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length,
      );
      const amounts = markOf(name);
      const size = Math.sqrt(amounts.reduce((sum, amount) => sum + amount ** 2, 0) / amounts.length);
      // Four deviations of so many draws.
      const slack = 4 / Math.sqrt(2 * values.length);
      expect(
        Math.abs(size / (MARK_STRENGTH * Math.sqrt(values.length / LARGEST) * deviation) - 1),
        name,
      ).toBeLessThan(slack);
    }
    const again = markOf('layer4.weight');
    expect(markOf('layer4.weight')).toEqual(again);
    const other = markOf('layer4.weight', graph, Buffer.alloc(32, 2));
    expect(Math.abs(correlation(again, other))).toBeLessThan(5 / Math.sqrt(again.length));
    // A sequence belongs to a tensor: no layer repeats the beginning of another one's.
    const last = markOf('layer7.weight');
    expect(Math.abs(correlation(again.slice(0, last.length), last))).toBeLessThan(0.5);
  });

  it('leaves zeros and layers without any spread alone', () => {
    const pruned = withTensor('layer4.weight', (tensor) => ({
      ...tensor,
      data: tensor.data.map((value, i) => (i % 5 === 0 ? 0 : value)),
    }));
    expect(markOf('layer4.weight', pruned).flatMap((amount, i) => (amount === 0 ? [i % 5] : []))).toEqual(
      Array.from({ length: Math.ceil(LARGEST / 5) }, () => 0),
    );
    const mean = withTensor('layer0.weight', (tensor) => ({
      ...tensor,
      data: tensor.data.map(() => 1 / 36),
    }));
    expect(new Set(markOf('layer0.weight', mean))).toEqual(new Set([0]));
  });

  it('finds weights that a Constant node holds, or that reach their layer by a transposition', () => {
    const tensor = graph.initializers.get('layer4.weight')!;
    const [rows = 0, columns = 0] = tensor.shape;
    const turned = Float32Array.from(
      tensor.data,
      (_, i) => tensor.data[(i % rows) * columns + Math.floor(i / rows)]!,
    );
    const initializers = new Map(graph.initializers);
    initializers.delete('layer4.weight');
    const value = { kind: 'tensor' as const, value: { ...tensor, shape: [columns, rows], data: turned } };
    const constant = {
      name: '',
      operator: 'Constant',
      inputs: [],
      outputs: ['held'],
      attributes: new Map([['value', value]]),
    };
    const turn = {
      name: '',
      operator: 'Transpose',
      inputs: ['held'],
      outputs: ['layer4.weight'],
      attributes: new Map(),
    };
    const marked = markGraph({ ...graph, initializers, nodes: [constant, turn, ...graph.nodes] }, key);
    const held = marked.nodes[0]!.attributes.get('value');
    expect(held?.kind === 'tensor' && held.value.data.filter((v, i) => v === turned[i]).length).toBeLessThan(
      100,
    );
  });
});
