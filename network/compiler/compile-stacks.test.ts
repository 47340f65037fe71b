import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeProgram, verifyProgram } from '#fhe';
import { runClear } from '#fhe/design';
import type { Graph } from '#network/model/graph.ts';
import { SeededRandom } from '#network/model/random.ts';
import { runGraph } from '#network/model/run/run.ts';
import { randomStack, STACK_PARTS, type StackPart } from '#network/testing/random-stack.ts';
import { graphOf, ints, node, randomPictures, randomTensor } from '#network/testing/small-graphs.ts';
import { compileNetwork, sketchNetwork } from './compile.ts';
import { pictureShape } from './compile-limits.ts';
import type { CompiledNetwork } from './compiled-network.ts';
import { fillConstants } from './emit/fill-constants.ts';
import { writeProgram } from './emit/write-program.ts';
import { calibrateSteps } from './lowering/calibrate-steps.ts';
import { lowerSteps } from './lowering/lower-steps.ts';
import { mergePools } from './lowering/merge-pools.ts';
import { runSteps } from './lowering/run-steps.ts';
import { type PlannedNetwork, planSteps } from './packing/plan-network.ts';

/** More stacks on demand: `BLINDSIGHT_STACKS=500 BLINDSIGHT_SEED=7 npx vitest run network/compiler/compile-stacks.test.ts`. */
const RUNS = Number(process.env.BLINDSIGHT_STACKS ?? 10);
const SEED = Number(process.env.BLINDSIGHT_SEED ?? 1);

function compile(graph: Graph, size: number): CompiledNetwork {
  const pictures = Float32Array.from(randomPictures(5, 12, size).flatMap((picture) => [...picture]));
  const ranges = calibrateSteps(lowerSteps(graph), pictures);
  return compileNetwork(graph, {
    labels: ['a', 'b', 'c'],
    activationRanges: ranges.activations,
    logitRange: ranges.logits,
  });
}

/** The clear program and the graph must give the same logits in every copy, and zero where zero is promised. */
function expectAgreement(graph: Graph, size: number): CompiledNetwork {
  const compiled = compile(graph, size);
  const { unit, range, expected } = compiled.interpretation;
  for (const picture of randomPictures(4, 2, size)) {
    const truth = runGraph(graph, picture);
    const slots = runClear(verifyProgram(compiled.program), compiled.constants, picture);
    expect(expected.some((index) => index >= 0)).toBe(true);
    let worst = 0;
    expected.forEach((index, slot) => {
      if (index >= 0) worst = Math.max(worst, Math.abs(slots[slot]! * unit - truth[index]!));
      if (index === -1) worst = Math.max(worst, Math.abs(slots[slot]! * unit));
    });
    expect(worst).toBeLessThan(1e-6 * Math.max(1, range));
  }
  return compiled;
}

describe('CompileStacks', () => {
  it.each<[StackPart[], number]>([
    [['conv', 'pool', 'dense'], 8192],
    [['conv', 'strided', 'dense'], 16384],
    [['conv', 'residual'], 16384],
    [['strided', 'depthwise', 'pool', 'dense'], 16384],
    [['conv', 'cubic'], 16384],
    [['inception', 'dense'], 8192],
    [['strided', 'projection'], 16384],
    [['arrange', 'inception', 'pool'], 8192],
    [['conv', 'blocks', 'conv'], 8192],
    [['dense', 'dense', 'dense', 'dense'], 16384],
  ])('computes %j as the clear network does', (parts, ringDegree) => {
    expect(expectAgreement(randomStack(3, parts), 64).report.ringDegree).toBe(ringDegree);
  });

  it('makes mean pooling a fold that takes no level', () => {
    const network = lowerSteps(randomStack(3, ['conv', 'pool', 'conv', 'pool', 'dense']));
    const [pooled, merged] = [network, mergePools(network)].map((steps) => planSteps(steps));
    expect(pooled!.literal).toEqual(merged!.literal);
    const products = ({ plan }: PlannedNetwork): number =>
      [...plan.linear.values()].reduce((sum, { schedule }) => sum + schedule.products, 0);
    expect(products(pooled!)).toBeLessThan(products(merged!));
    const { verified, recipes, expected } = writeProgram(pooled!, 'pooled');
    const [picture] = randomPictures(4, 1, 64);
    const truth = runSteps(network, picture!);
    const slots = runClear(verified, fillConstants(recipes, pooled!), picture!);
    expected.forEach((logit, slot) => {
      if (logit >= 0) expect(slots[slot]! / truth[logit]!).toBeCloseTo(1, 6);
    });
  });

  it('spreads tensors that are larger than a ciphertext', () => {
    const compiled = expectAgreement(randomStack(2, ['conv'], { side: 32, maps: 5 }), 1024);
    expect(compiled.report.stages[0]!.ciphertexts).toBe(2);
    expect(compiled.report.ringDegree).toBe(8192);
  });

  it.each<[string, number, StackPart[]]>([
    ['a VGG-like stack', 16384, ['conv', 'conv', 'pool', 'conv', 'conv', 'dense', 'dense']],
    ['residual blocks with a projected shortcut', 32768, ['strided', 'residual', 'projection', 'residual']],
  ])('computes %s at N = %i', (_, ringDegree, parts) => {
    const { report } = expectAgreement(randomStack(11, parts, { side: 6, maps: 2 }), 36);
    expect(report.ringDegree).toBe(ringDegree);
    // Layouts that shortcuts do not fit take a thousand.
    expect(report.stages.reduce((sum, stage) => sum + stage.products, 0)).toBeLessThan(250);
  });

  it(
    'computes any stack of layers',
    () => {
      const part = fc.constantFrom(...STACK_PARTS);
      fc.assert(
        fc.property(
          fc.record({
            parts: fc.array(part, { minLength: 1, maxLength: 3 }),
            seed: fc.nat(1000),
            side: fc.integer({ min: 4, max: 7 }),
            channels: fc.constantFrom(1, 3),
            maps: fc.integer({ min: 1, max: 3 }),
          }),
          ({ parts, seed, side, channels, maps }) => {
            expectAgreement(randomStack(seed, parts, { channels, side, maps }), channels * side * side);
          },
        ),
        { numRuns: RUNS, seed: SEED },
      );
    },
    60_000 + 10_000 * RUNS,
  );

  it('compiles what was calibrated before sums were kept', () => {
    const graph = randomStack(2, ['conv', 'around', 'around', 'around'], { side: 6, maps: 4 });
    const pictures = Float32Array.from(randomPictures(5, 12, 36).flatMap((picture) => [...picture]));
    const [before, now] = (['through', 'cheaper'] as const).map((sums) => {
      const ranges = calibrateSteps(lowerSteps(graph, sums), pictures);
      return compileNetwork(graph, {
        ...{ labels: ['a', 'b', 'c'], activationRanges: ranges.activations, logitRange: ranges.logits },
      }).program.parameters.moduli.length;
    });
    expect(before).toBeLessThan(now!);
  });

  it('writes the same program for any weights of one architecture', () => {
    const bytes = [1, 2].map((seed) =>
      Buffer.from(encodeProgram(compile(randomStack(seed, ['conv', 'residual']), 64).program)).toString(
        'base64',
      ),
    );
    expect(bytes[0]).toBe(bytes[1]);
  });

  /** A convolution on a large color picture, square, mean pooling, two dense layers with a square between them. */
  const onColor = (side: number, maps: number, stride: number, size: number): Graph => {
    const random = new SeededRandom(2);
    const pooled = Math.floor(Math.floor((side - size) / stride + 1) / 4);
    const weights = {
      k: randomTensor(random, [maps, 3, size, size], 0.1),
      d: randomTensor(random, [maps * pooled ** 2, 8], 0.01),
      e: randomTensor(random, [8, 3]),
    };
    return graphOf([3, side, side], 3, weights, [
      node('Conv', ['picture', 'k'], 'x', { strides: ints(stride, stride) }),
      node('Mul', ['x', 'x'], 'y'),
      node('AveragePool', ['y'], 'p', { kernel_shape: ints(4, 4), strides: ints(4, 4) }),
      node('Flatten', ['p'], 'f'),
      node('MatMul', ['f', 'd'], 'h'),
      node('Mul', ['h', 'h'], 'g'),
      node('MatMul', ['g', 'e'], 'logits'),
    ]);
  };

  it('says what turns a picture with channels last', () => {
    expect(() => pictureShape([160, 160, 3])).toThrow(
      'input 160×160×3: expected 1 or 3 channels × height × width; `blindsight model import` turns pictures with channels last',
    );
    expect(() => pictureShape([5, 28, 28])).toThrow(/width$/);
    expect(() => pictureShape([4, 28, 28])).toThrow('"motion": {"seconds": …}');
    const motion = { seconds: 8 };
    expect(pictureShape([2, 20, 30], { motion })).toEqual({ channels: 2, height: 20, width: 30, motion });
  });

  // 8 maps of stride 2 of 160 × 160 have more candidate diagonals than a call takes arguments; they take a third of a minute.
  it.each(RUNS > 10 ? [48, 160] : [48])('plans pictures of side %i in color', (side) => {
    const { report } = sketchNetwork(onColor(side, 8, 2, 3), 'color');
    expect(report.inputs).toBeLessThanOrEqual(1024);
  });
});
