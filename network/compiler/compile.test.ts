import { describe, expect, it } from 'vitest';
import { encodeProgram, verifyProgram } from '#fhe';
import { runClear } from '#fhe/design';
import { interpretSlots } from '#fhe/secret';
import type { Graph, Tensor } from '#network/model/graph.ts';
import { SeededRandom } from '#network/model/random.ts';
import { inputShape, runGraph } from '#network/model/run/run.ts';
import {
  convolutionalGraph,
  denseGraph,
  graphOf,
  ints,
  node,
  randomPictures,
  randomTensor,
} from '#network/testing/small-graphs.ts';
import { compileCopies, compileNetwork } from './compile.ts';
import type { CompiledNetwork } from './compiled-network.ts';
import { calibrateSteps } from './lowering/calibrate-steps.ts';
import { lowerSteps } from './lowering/lower-steps.ts';

function compiled(graph: Graph, labels: number): CompiledNetwork {
  const size = inputShape(graph).reduce((a, b) => a * b, 1);
  const pictures = Float32Array.from(randomPictures(9, 20, size).flatMap((picture) => [...picture]));
  const ranges = calibrateSteps(lowerSteps(graph), pictures);
  return compileNetwork(graph, {
    name: 'try',
    labels: Array.from({ length: labels }, (_, i) => `label${i}`),
    activationRanges: ranges.activations,
    logitRange: ranges.logits,
  });
}

/** The clear program and the graph must give the same logits, in every copy. */
function expectAgreement(graph: Graph, labels: number): CompiledNetwork {
  const result = compiled(graph, labels);
  const size = inputShape(graph).reduce((a, b) => a * b, 1);
  for (const picture of randomPictures(4, 3, size)) {
    const truth = runGraph(graph, picture);
    const slots = runClear(verifyProgram(result.program), result.constants, picture);
    result.interpretation.expected.forEach((index, slot) => {
      if (index >= 0)
        expect(Math.abs(slots[slot]! * result.interpretation.unit - truth[index]!)).toBeLessThan(
          1e-6 * Math.max(1, Math.abs(truth[index]!)),
        );
      if (index === -1) expect(Math.abs(slots[slot]!)).toBeLessThan(1e-9);
    });
    expect(interpretSlots(slots, result.interpretation).ok).toBe(true);
  }
  return result;
}

describe('Compile', () => {
  it('computes a convolutional network as the clear network does', () => {
    const { report, interpretation } = expectAgreement(convolutionalGraph(1), 3);
    expect(report.ringDegree).toBe(8192);
    expect(report.logQP).toBeLessThanOrEqual(214);
    expect(report.stages.map((stage) => stage.plan)).toEqual(['patches', 'hoisted', 'hoisted']);
    // 3 maps of 5 × 6 positions in blocks of 8 × 8 → period 256, 16 copies ≥ 9 taps: one ciphertext, 4 folds; 12 units, one in every
    // 256 slots: no rotation, 8 folds; 3 outputs, reversed with the same period: 2 rotations, 4 folds.
    expect(report.inputs).toBe(1);
    expect(report.rotations).toBe(4 + 8 + (2 + 4));
    // Every slot is accounted for: copies of logits, or zero.
    expect(interpretation.expected.some((index) => index === -2)).toBe(false);
  });

  it('computes dense networks of two to four layers', () => {
    expect(expectAgreement(denseGraph(2, [20, 4]), 4).report.ringDegree).toBe(4096);
    expect(expectAgreement(denseGraph(3, [30, 16, 5]), 5).report.ringDegree).toBe(8192);
    expect(expectAgreement(denseGraph(4, [30, 40, 24, 10, 6]), 6).report.ringDegree).toBe(16384);
  });

  it('sums what many inputs and units have in common by folds', () => {
    // 500 inputs → period 512, 8 copies; 100 units, two in every 64 slots: 16 diagonals of 4096 slots hold the 50 000 weights.
    const { report } = expectAgreement(denseGraph(5, [40, 500, 100, 10]), 10);
    expect(report.stages[1]).toMatchObject({ plan: 'hoisted', products: 16 });
    expect(report.rotations).toBeLessThan(40);
  });

  it('lays taps side by side, for all ciphertexts of a wide first layer alike, and turns sums instead', () => {
    const random = new SeededRandom(6);
    const graph = graphOf(
      [1, 32, 32],
      3,
      {
        kernel: randomTensor(random, [8, 1, 5, 5], 0.2),
        weights: randomTensor(random, [3, 8 * 28 * 28], 0.01),
      },
      [
        node('Conv', ['picture', 'kernel'], 'maps', { kernel_shape: ints(5, 5) }),
        node('Mul', ['maps', 'maps'], 'squares'),
        node('Flatten', ['squares'], 'flat'),
        node('Gemm', ['flat', 'weights'], 'logits', { transB: { kind: 'int', value: 1 } }),
      ],
    );
    const { report } = expectAgreement(graph, 3);
    const [first] = report.stages;
    expect(first).toMatchObject({ plan: 'patches' });
    const { ciphertexts, products, rotations } = first!;
    expect(ciphertexts).toBeGreaterThan(1);
    // Each encryption serves every ciphertext of the result, and several of the 25 taps.
    const blocks = 1 + rotations / ciphertexts;
    expect(blocks).toBeGreaterThan(1);
    expect(report.inputs).toBe(Math.ceil(25 / blocks));
    expect(products).toBe(report.inputs * ciphertexts * blocks);
  });

  it('writes the same program for any weights of one architecture', () => {
    const options = { name: 'try', labels: ['a', 'b', 'c'], activationRanges: [3, 3], logitRange: 5 };
    const zero = convolutionalGraph(1);
    const emptied = new Map(
      [...zero.initializers].map(([name, t]): [string, Tensor] => [
        name,
        { ...t, data: t.data.map((v, i) => (i % 2 ? 0 : v)) },
      ]),
    );
    emptied.set('variance', zero.initializers.get('variance')!);
    const first = compileNetwork(convolutionalGraph(7), options);
    const second = compileNetwork(
      { ...zero, initializers: emptied },
      { ...options, activationRanges: [1, 9], logitRange: 400 },
    );
    expect(Buffer.from(encodeProgram(second.program)).equals(Buffer.from(encodeProgram(first.program)))).toBe(
      true,
    );
  });

  it('compiles copies with other weights as it compiles each alone', () => {
    const options = { name: 'try', labels: ['a', 'b', 'c'], activationRanges: [3, 3], logitRange: 5 };
    const compile = compileCopies(convolutionalGraph(1), options);
    for (const seed of [1, 2])
      expect(compile(convolutionalGraph(seed))).toEqual(compileNetwork(convolutionalGraph(seed), options));
    expect(() => compile(convolutionalGraph(1, 13))).toThrow('other entries');
  });

  it('withholds nothing within the calibrated range and keeps the answer below the last prime', () => {
    const { program, interpretation } = compiled(convolutionalGraph(1), 3);
    const output = program.instructions.at(-1);
    expect(output?.op).toBe('output');
    expect(interpretation.range).toBeGreaterThan(0);
    const last = program.constants.at(-1)!;
    expect(last.level).toBe(0);
    const largestSlot = interpretation.range / interpretation.unit;
    expect(last.scale * largestSlot).toBeLessThanOrEqual(program.parameters.moduli[0]! / 2);
  });

  it.each([
    ['labels', { labels: ['one'] }, '1 labels for 3 outputs'],
    ['cells', { map: { height: 2, width: 5 } }, '3 labels × 2 × 5 cells for 3 outputs'],
    ['ranges', { activationRanges: [1] }, 'expected 2 positive numbers'],
    ['a range of zero', { activationRanges: [1, 0] }, 'expected 2 positive numbers'],
    ['a logit range', { logitRange: Number.NaN }, 'expected a positive number'],
  ])('refuses wrong %s', (_, change, message) => {
    const options = { labels: ['a', 'b', 'c'], activationRanges: [1, 1], logitRange: 1, ...change };
    expect(() => compileNetwork(convolutionalGraph(1), options)).toThrow(message);
  });

  it('takes one output that counts or says whether a label holds, and refuses a classification of one label', () => {
    const one = denseGraph(1, [6, 1]);
    const options = { labels: ['car'], activationRanges: [], logitRange: 4 };
    for (const task of ['count', 'labels'] as const)
      expect(compileNetwork(one, { ...options, task }).interpretation).toMatchObject({
        task,
        labels: ['car'],
      });
    expect(() => compileNetwork(one, options)).toThrow('a classification needs at least two outputs');
  });

  it('refuses networks that are too deep', () => {
    const deep = denseGraph(1, new Array<number>(32).fill(4));
    const options = {
      labels: ['a', 'b', 'c', 'd'],
      activationRanges: new Array<number>(30).fill(1),
      logitRange: 1,
    };
    expect(() => compileNetwork(deep, options)).toThrow('more than N = 65536 holds');
  });
});
