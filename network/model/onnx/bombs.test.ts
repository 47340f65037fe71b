import { create, toBinary } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { NetworkError } from '#network/errors.ts';
import type { Attribute, Graph, Node, Tensor } from '../graph.ts';
import { runGraph } from '../run/run.ts';
import {
  GraphProtoSchema,
  ModelProtoSchema,
  OperatorSetIdProtoSchema,
  TensorProtoSchema,
} from './generated/onnx_pb.ts';
import { readOnnx, writeOnnx } from './onnx.ts';

const ints = (...values: number[]): Attribute => ({ kind: 'ints', value: values });
const int = (value: number): Attribute => ({ kind: 'int', value });

function makeNode(
  operator: string,
  inputs: string[],
  output: string,
  attributes: [string, Attribute][] = [],
): Node {
  return { name: output, operator, inputs, outputs: [output], attributes: new Map(attributes) };
}

/** A network of a few hundred bytes with a picture of 1×1×8×8. */
function graphOf(nodes: readonly Node[], initializers: [string, Tensor][] = []): Graph {
  return {
    name: 'bomb',
    opset: 13,
    inputs: [{ name: 'x', type: 'float32', shape: [1, 1, 8, 8] }],
    outputs: [{ name: nodes.at(-1)!.outputs[0]!, type: 'float32', shape: null }],
    initializers: new Map(initializers),
    nodes,
  };
}

const tensor = (type: Tensor['type'], shape: number[], values?: number[]): Tensor => ({
  type,
  shape,
  data: values === undefined ? new Float32Array(shape.reduce((a, b) => a * b, 1)) : Float64Array.from(values),
});

/** Each doubles, or multiplies, what came before. */
function chain(count: number, link: (from: string, to: string) => Node): Node[] {
  return Array.from({ length: count }, (_, i) => link(i === 0 ? 'x' : `v${i}`, `v${i + 1}`));
}

const copies = (from: string, count: number, to: string, axis: number): Node =>
  makeNode('Concat', new Array<string>(count).fill(from), to, [['axis', int(axis)]]);

const BOMBS: Record<string, Graph> = {
  'Concat of 1024 copies, again and again': graphOf(
    chain(8, (from, to) => makeNode('Concat', new Array<string>(1024).fill(from), to, [['axis', int(2)]])),
  ),
  'Pad to a picture of 20 000 × 20 000': graphOf(
    [makeNode('Pad', ['x', 'pads'], 'y')],
    [['pads', tensor('int64', [8], [0, 0, 10_000, 10_000, 0, 0, 10_000, 10_000])]],
  ),
  'Pad by as much as there are numbers': graphOf(
    [makeNode('Pad', ['x', 'pads'], 'y')],
    [['pads', tensor('int64', [8], [2 ** 50, 0, 2 ** 50, 0, 0, 0, 2 ** 50, 0])]],
  ),
  'Add that broadcasts': graphOf(
    [
      makeNode('Reshape', ['x', 'column'], 'c'),
      ...chain(12, (from, to) =>
        makeNode('Concat', [from === 'x' ? 'c' : from, from === 'x' ? 'c' : from], to, [['axis', int(0)]]),
      ),
      makeNode('Transpose', ['v12'], 'row', [['perm', ints(1, 0)]]),
      makeNode('Add', ['v12', 'row'], 'y'),
    ],
    [['column', tensor('int64', [2], [64, 1])]],
  ),
  'MatMul of a column and a row': graphOf(
    [
      makeNode('Reshape', ['x', 'column'], 'c'),
      ...chain(10, (from, to) =>
        makeNode('Concat', [from === 'x' ? 'c' : from, from === 'x' ? 'c' : from], to, [['axis', int(0)]]),
      ),
      makeNode('Transpose', ['v10'], 'row', [['perm', ints(1, 0)]]),
      makeNode('MatMul', ['v10', 'row'], 'y'),
    ],
    [['column', tensor('int64', [2], [64, 1])]],
  ),
  'MatMul that takes for ever': graphOf(
    [
      makeNode('Reshape', ['x', 'row'], 'r'),
      copies('r', 1024, 'tall', 0),
      copies('tall', 128, 'wide', 1),
      copies('wide', 8, 'large', 0),
      makeNode('MatMul', ['large', 'large'], 'y'),
    ],
    [['row', tensor('int64', [2], [1, 64])]],
  ),
  'Conv with more padding than picture': graphOf(
    [makeNode('Conv', ['x', 'w'], 'y', [['pads', ints(60_000, 60_000, 60_000, 60_000)]])],
    [['w', tensor('float32', [64, 1, 1, 1])]],
  ),
  'AveragePool with more padding than picture': graphOf([
    makeNode('AveragePool', ['x'], 'y', [
      ['kernel_shape', ints(1, 1)],
      ['pads', ints(60_000, 60_000, 60_000, 60_000)],
    ]),
  ]),
};

describe('a small file that asks for much', () => {
  it.each(Object.entries(BOMBS))('is refused before it gets it: %s', (_, graph) => {
    const bytes = writeOnnx(graph);
    expect(bytes.length).toBeLessThan(40_000);
    const before = process.memoryUsage().arrayBuffers;
    let failure: unknown;
    try {
      runGraph(readOnnx(bytes), new Float32Array(64));
    } catch (error) {
      failure = error;
    }
    expect(failure).toBeInstanceOf(NetworkError);
    expect((failure as NetworkError).code).toMatch(/^NETWORK_(TOO_LARGE|OPERATOR)$/);
    expect((failure as NetworkError).message).toMatch(/large|not possible|too many|too long/);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 28 * 8 + 2 ** 28);
  });
});

/** A model with one initializer that claims more than it has. */
function withInitializer(claim: {
  dims?: bigint[];
  dataType?: number;
  dataLocation?: number;
  externalData?: [];
}) {
  const initializer = [create(TensorProtoSchema, { name: 'w', dataType: 1, ...claim })];
  return toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      opsetImport: [create(OperatorSetIdProtoSchema, { version: 13n })],
      graph: create(GraphProtoSchema, { initializer }),
    }),
  );
}

/** A field of a message in protobuf: number, length, bytes. */
function field(number: number, body: Uint8Array): Uint8Array {
  const head = [(number << 3) | 2];
  for (let rest = body.length; ; rest = Math.floor(rest / 128)) {
    head.push((rest % 128) | (rest > 127 ? 128 : 0));
    if (rest <= 127) break;
  }
  return Buffer.concat([Buffer.from(head), body]);
}

describe('a file that claims much', () => {
  it.each([
    { dims: [1n << 40n] },
    { dims: [1n << 62n, 1n << 62n] },
    { dims: [8192n, 8192n, 8192n] },
    { dims: [-1n] },
    { dims: new Array<bigint>(64).fill(1n) },
    { dims: [1n << 25n] },
    { dims: [4n], dataLocation: 1 },
  ])('is refused before memory is taken for %o', (claim) => {
    const before = process.memoryUsage().arrayBuffers;
    expect(() => readOnnx(withInitializer(claim))).toThrow(NetworkError);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 24);
  });

  it('is refused where graphs are nested deeper than a stack', () => {
    // model.graph(7) → node(1) → attribute(5) → g(6) → node(1) …
    let graph: Uint8Array = new Uint8Array();
    for (let depth = 0; depth < 3_000; depth++) graph = field(1, field(5, field(6, graph)));
    expect(() => readOnnx(field(7, graph))).toThrow(NetworkError);
  });
});
