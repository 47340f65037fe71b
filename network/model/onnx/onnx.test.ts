import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lowerSteps } from '#network/compiler/lowering/lower-steps.ts';
import { NetworkError } from '#network/errors.ts';
import { convolutionalGraph, node } from '#network/testing/small-graphs.ts';
import { type Graph, nodeCaption, nodeLabel, nodeTitle } from '../graph.ts';
import { readOnnx, writeOnnx } from './onnx.ts';

const data = fileURLToPath(new URL('../../../test/data/onnx/', import.meta.url));

/** The error thrown by reading: always a NetworkError. */
function refusal(bytes: Uint8Array): string {
  try {
    readOnnx(bytes);
    return '';
  } catch (error) {
    expect(error).toBeInstanceOf(NetworkError);
    return (error as NetworkError).message;
  }
}

describe('Onnx', () => {
  it('reads back what it writes', () => {
    const graph = convolutionalGraph(1);
    expect(readOnnx(writeOnnx(graph))).toEqual(graph);
    expect(Buffer.from(writeOnnx(graph)).equals(Buffer.from(writeOnnx(readOnnx(writeOnnx(graph)))))).toBe(
      true,
    );
  });

  it.each(readdirSync(data).filter((file) => file.endsWith('.onnx')))('reads %s and keeps it', (file) => {
    const graph = readOnnx(readFileSync(join(data, file)));
    expect(graph.nodes.length).toBeGreaterThan(5);
    expect(readOnnx(writeOnnx(graph))).toEqual(graph);
  });

  it('calls a node without a name by its place', () => {
    const graph = convolutionalGraph(1);
    const nameless = readOnnx(
      writeOnnx({ ...graph, nodes: graph.nodes.map((one) => ({ ...one, name: '' })) }),
    );
    expect(nameless.nodes.map(nodeTitle).slice(0, 3)).toEqual([
      'Conv, the 1st node',
      'BatchNormalization, the 2nd node',
      'Mul, the 3rd node',
    ]);
    expect(nodeCaption(nameless.nodes[4]!)).toBe('Flatten, the 5th node');
    expect(nodeCaption(graph.nodes[4]!)).toBe("Flatten 'f1'");
    const places = [11, 12, 13, 21, 22, 23, 111].map((place) => nodeLabel({ ...nameless.nodes[0]!, place }));
    expect(places.join()).toBe('11th node,12th node,13th node,21st node,22nd node,23rd node,111th node');
    const refused = {
      ...nameless,
      nodes: nameless.nodes.map((one, i) => (i === 2 ? { ...one, operator: 'Relu', inputs: ['n1'] } : one)),
    };
    expect(() => lowerSteps(refused)).toThrow('Relu, the 3rd node: not a polynomial');
  });

  it('refuses files that are cut off anywhere, or damaged, without any other error', () => {
    const bytes = writeOnnx(convolutionalGraph(1, 2));
    for (let length = 0; length < bytes.length; length += 13)
      expect(refusal(bytes.subarray(0, length))).not.toBe('');
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, mask) => {
        const damaged = bytes.slice();
        damaged[at]! ^= mask;
        refusal(damaged);
      }),
      { numRuns: 2000, seed: 1 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (noise) => void refusal(noise)),
      { numRuns: 500, seed: 2 },
    );
  });

  const graph = convolutionalGraph(1);
  const broken: [string, Graph, string][] = [
    [
      'a cycle',
      { ...graph, nodes: [node('Add', ['picture', 'b'], 'a'), node('Add', ['a', 'a'], 'b')] },
      'cyclic',
    ],
    ['an unsorted graph', { ...graph, nodes: [...graph.nodes].reverse() }, 'made by no earlier node'],
    ['a value written twice', { ...graph, nodes: [...graph.nodes, graph.nodes[0]!] }, 'written twice'],
    ['an output that nobody makes', { ...graph, nodes: [] }, 'made by no node'],
    ['an old operator set', { ...graph, opset: 3 }, 'operator set 3'],
  ];
  it.each(broken)('refuses %s', (_, bad, message) => {
    expect(refusal(writeOnnx(bad))).toContain(message);
  });

  it('refuses a shape that would fill memory', () => {
    const huge = new Map(graph.initializers);
    huge.set('w1', { type: 'float32', shape: [2 ** 20, 2 ** 20], data: new Float32Array(1) });
    expect(refusal(writeOnnx({ ...graph, initializers: huge }))).toContain('exceeds');
  });
});
