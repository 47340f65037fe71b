import { describe, expect, it } from 'vitest';
import {
  checkParameters,
  createEngineInterpreter,
  createReferenceInterpreter,
  decodeProgram,
  encodeProgram,
  type InterpreterMaterial,
  packInputs,
  verifyProgram,
} from '#fhe';
import { runClear } from '#fhe/design';
import {
  createDecryptor,
  createOwnerKeys,
  encryptConstants,
  interpretSlots,
  makeEvaluationKeys,
} from '#fhe/secret';
import type { Graph } from '#network/model/graph.ts';
import { inputShape, runGraph } from '#network/model/run/run.ts';
import { randomStack } from '#network/testing/random-stack.ts';
import { convolutionalGraph, denseGraph, randomPictures } from '#network/testing/small-graphs.ts';
import { compileNetwork } from '../compile.ts';
import type { CompiledNetwork } from '../compiled-network.ts';
import { interpretationError } from '../interpretation-error.ts';
import { calibrateSteps } from '../lowering/calibrate-steps.ts';
import { lowerSteps } from '../lowering/lower-steps.ts';
import { registerSizes } from '../lowering/steps.ts';

function sizeOf(graph: Graph): number {
  return inputShape(graph).reduce((a, b) => a * b, 1);
}

function joined(pictures: readonly Float32Array[]): Float32Array {
  return Float32Array.from(pictures.flatMap((picture) => [...picture]));
}

function compile(graph: Graph, regions: number): CompiledNetwork {
  const network = lowerSteps(graph);
  const ranges = calibrateSteps(network, joined(randomPictures(9, 20, sizeOf(graph))));
  return compileNetwork(graph, {
    labels: Array.from({ length: registerSizes(network).at(-1)! }, (_, i) => `label${i}`),
    activationRanges: ranges.activations,
    logitRange: ranges.logits,
    regions,
  });
}

/** The clear network's logits for every region, one region after the other. */
function truthOf(graph: Graph, pictures: readonly Float32Array[]): number[] {
  return pictures.flatMap((picture) => [...runGraph(graph, picture)]);
}

/** Largest error of any slot of any region, relative to the calibrated range. */
function worstSlot(slots: Float64Array, { interpretation }: CompiledNetwork, truth: number[]): number {
  const { logitError, emptySlot } = interpretationError(slots, interpretation, truth);
  return Math.max(logitError, emptySlot) / interpretation.range;
}

function stepsOf({ program }: CompiledNetwork): number[] {
  return program.instructions.flatMap((instruction) => {
    if (instruction.op === 'rotate') return [instruction.step];
    if (instruction.op === 'fold') return instruction.steps;
    return instruction.op === 'rotate-inner' ? instruction.terms.map(({ step }) => step) : [];
  });
}

describe('Regions', () => {
  it.each([
    ['a small chain', convolutionalGraph(1), 2],
    ['a small chain', convolutionalGraph(1), 8],
    ['a chain with a strided answer', denseGraph(3, [30, 16, 5]), 4],
    ['a network that is planned in general', randomStack(3, ['conv', 'pool', 'dense']), 4],
    ['a network with a shortcut', randomStack(3, ['conv', 'residual']), 2],
  ])('answers all regions of %s as the network answers each', (_, graph, regions) => {
    const compiled = compile(graph, regions);
    const { program, constants, interpretation } = compiled;
    expect(program.regions).toBe(regions);
    expect(decodeProgram(encodeProgram(program))).toEqual(program);
    expect(stepsOf(compiled).every((step) => step % regions === 0)).toBe(true);
    const pictures = randomPictures(4, regions, sizeOf(graph));
    const slots = runClear(verifyProgram(program), constants, joined(pictures));
    expect(worstSlot(slots, compiled, truthOf(graph, pictures))).toBeLessThan(1e-6);
    // Alone, each region gets exactly the same rounded answer.
    const one = compile(graph, 1);
    const alone = pictures.map((picture) =>
      interpretSlots(runClear(verifyProgram(one.program), one.constants, picture), one.interpretation),
    );
    const together = interpretSlots(slots, interpretation);
    expect(together.ok && together.answers).toEqual(alone.flatMap((each) => (each.ok ? each.answers : [])));
    // Another picture in the last region changes that region and no other.
    const changed = [...pictures.slice(0, -1), randomPictures(5, 1, sizeOf(graph))[0]!];
    const other = runClear(verifyProgram(program), constants, joined(changed));
    const classes = interpretation.labels.length;
    interpretation.expected.forEach((index, slot) => {
      if (index < 0) return;
      if (index < classes * (regions - 1)) expect(other[slot]).toBe(slots[slot]);
      else expect(other[slot]).not.toBe(slots[slot]);
    });
  });

  it('costs what the network costs in a ring with the slots of one region', () => {
    // 3000 logits take all 4096 slots of N = 8192, so two regions take N = 16384.
    const graph = denseGraph(2, [20, 6, 3000]);
    const [one, two] = [compile(graph, 1), compile(graph, 2)];
    expect([one.report.ringDegree, two.report.ringDegree]).toEqual([8192, 16384]);
    const operations = ({ program }: CompiledNetwork) => program.instructions.map(({ op }) => op);
    expect(operations(two)).toEqual(operations(one));
    expect(stepsOf(two)).toEqual(stepsOf(one).map((step) => 2 * step));
    expect(two.report.rotations).toBe(one.report.rotations);
  });

  it('writes the same program for any weights of one architecture', () => {
    const programs = [1, 2].map((seed) => encodeProgram(compile(convolutionalGraph(seed), 4).program));
    expect(Buffer.from(programs[0]!).equals(programs[1]!)).toBe(true);
  });

  it('takes a larger ring only where the logits of all regions need more slots', () => {
    const degrees = (sizes: number[]) =>
      [1, 2, 4].map((regions) => compile(denseGraph(2, sizes), regions).report.ringDegree);
    expect(degrees([20, 6, 1500])).toEqual([8192, 8192, 16384]);
    // Units may be spread over several ciphertexts.
    expect(degrees([20, 1500, 4])).toEqual([8192, 8192, 8192]);
  });

  it.each([3, 0, -2, 1.5, 128, Number.NaN])('refuses %d regions', (regions) => {
    expect(() => compile(convolutionalGraph(1), regions)).toThrow('expected a power of two up to 64');
  });

  it('refuses more regions than any ring has slots for', () => {
    expect(() => compile(denseGraph(2, [4, 1030]), 64)).toThrow('use fewer regions');
  });

  it('asks for the pictures of all regions', () => {
    const { program } = compile(convolutionalGraph(1), 4);
    const size = sizeOf(convolutionalGraph(1));
    expect(() => packInputs(program, new Float32Array(size))).toThrow('expected 4 regions × ');
    expect(packInputs(program, new Float32Array(4 * size))).toHaveLength(program.inputs.length);
  });

  it.each([
    ['both interpreters', denseGraph(2, [20, 12]), [createReferenceInterpreter, createEngineInterpreter]],
    ['the engine', denseGraph(3, [30, 300, 9]), [createEngineInterpreter]],
  ])('answers in %s as in the clear, also in the worst slot', async (_, graph, openers) => {
    const compiled = compile(graph, 4);
    const { program, constants, interpretation } = compiled;
    const keys = await createOwnerKeys(checkParameters(program.parameters), program.resultRing);
    const material: InterpreterMaterial = {
      program: verifyProgram(program),
      constants: await encryptConstants(verifyProgram(program), keys.secretKey, constants),
      publicKey: keys.publicKey,
      evaluationKeys: await makeEvaluationKeys(verifyProgram(program), keys),
    };
    const decryptor = await createDecryptor(verifyProgram(program), keys);
    const pictures = randomPictures(6, 4, sizeOf(graph));
    const truth = truthOf(graph, pictures);
    const clear = interpretSlots(
      runClear(verifyProgram(program), constants, joined(pictures)),
      interpretation,
    );
    for (const open of openers) {
      const interpreter = await open(material);
      const slots = decryptor.decrypt(interpreter.run(joined(pictures)).ciphertext);
      await interpreter.close();
      expect(worstSlot(slots, compiled, truth)).toBeLessThan(2 ** -10);
      const read = interpretSlots(slots, interpretation);
      expect(read.ok && read.answers.map(({ label }) => label)).toEqual(
        clear.ok && clear.answers.map(({ label }) => label),
      );
    }
    decryptor.close();
  });
});
