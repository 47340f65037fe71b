import type { Parameters, ParametersLiteral } from '../ckks/parameters.ts';
import type { MaterialInMemory } from '../program/interpreter.ts';
import type { Instruction, Program, ProgramConstant } from '../program/program.ts';
import { programVersion } from '../program/rotated-sums.ts';
import { verifyProgram } from '../program/verifier.ts';
import { encryptConstants } from '../secret/encrypt.ts';
import { makeEvaluationKeys } from '../secret/evaluation-keys.ts';
import { createOwnerKeys, type OwnerKeys } from '../secret/owner-keys.ts';
import { randomSlots } from './parameters.ts';

/** A program with its constants in the clear. */
export type TestProgram = {
  readonly program: Program;
  readonly constants: readonly Float64Array[];
};

const PICTURE = { channels: 1, height: 8, width: 8 } as const;

/** A picture of 64 values for the programs below. */
export const testPicture: Float32Array = Float32Array.from(randomSlots(64, 7), (v) => (v + 1) / 2);

/** The scale of the programs below: a power of two, two bits below the primes. */
export function testScale(parameters: ParametersLiteral): number {
  return 2 ** (Math.round(Math.log2(parameters.moduli[0]!)) - 2);
}

function build(
  name: string,
  parameters: Parameters,
  instructions: readonly Instruction[],
  constants: readonly ProgramConstant[] = [],
  { inputs = 1, scale = testScale(parameters), level = parameters.maxLevel } = {},
): TestProgram {
  const { ringDegree, moduli, specialModuli, slots } = parameters;
  const literal: ParametersLiteral = { ringDegree, moduli, specialModuli };
  return {
    program: {
      version: programVersion({ instructions, parameters: literal }),
      name,
      parameters: literal,
      picture: PICTURE,
      inputs: Array.from({ length: inputs }, (_, input) => ({
        level,
        scale,
        // Every fifth slot is empty; each input reads the picture from another place.
        slots: Int32Array.from({ length: slots }, (_, i) => (i % 5 === 4 ? -1 : (i * 3 + input * 11) % 64)),
      })),
      constants,
      instructions,
    },
    constants: constants.map((_, i) => randomSlots(slots, 100 + i)),
  };
}

/** Products of the input that are relinearized, rescaled, rotated by these steps and added, as a linear layer ends. */
function giantSteps(name: string, parameters: Parameters, steps: readonly number[]): TestProgram {
  const level = parameters.maxLevel;
  const scale = parameters.moduli[level]!;
  const instructions: Instruction[] = [{ op: 'encrypt', out: 0, input: 0 }];
  let next = 1;
  let total: number | null = null;
  for (const [constant, step] of steps.entries()) {
    instructions.push(
      { op: 'inner', out: next, terms: [{ source: 0, constant }] },
      { op: 'relinearize', out: next + 1, source: next },
      { op: 'rescale', out: next + 2, source: next + 1 },
    );
    next += 3;
    if (step !== 0) instructions.push({ op: 'rotate', out: next++, source: next - 2, step });
    const part = next - 1;
    if (total !== null) instructions.push({ op: 'add', out: next++, left: total, right: part });
    total = next - 1;
  }
  instructions.push({ op: 'output', source: total! });
  const constants = steps.map((): ProgramConstant => ({ level, scale, modulus: 'Q' }));
  return build(name, parameters, instructions, constants);
}

/**
 * Small programs that together use every instruction but `switch-ring`, with scales near `testScale`.
 *
 * @param parameters at least three data primes of one size; with three, the program `chain` is left out.
 */
export function testPrograms(parameters: Parameters): TestProgram[] {
  const top = parameters.maxLevel;
  const q = (level: number): number => parameters.moduli[level]!;
  const scale = testScale(parameters);
  const constant = (level: number, at = scale, modulus: 'Q' | 'QP' = 'Q'): ProgramConstant => ({
    level,
    scale: at,
    modulus,
  });
  const programs = [
    build('encrypt', parameters, [
      { op: 'encrypt', out: 0, input: 0 },
      { op: 'output', source: 0 },
    ]),
    build(
      'encrypt-low',
      parameters,
      [
        { op: 'encrypt', out: 0, input: 0 },
        { op: 'output', source: 0 },
      ],
      [],
      { level: 0, scale: scale / 8 },
    ),
    build('rotate-fold', parameters, [
      { op: 'encrypt', out: 0, input: 0 },
      { op: 'rotate', out: 1, source: 0, step: 5 },
      { op: 'rotate', out: 2, source: 1, step: -9 },
      { op: 'fold', out: 3, source: 2, steps: [1, 2, -4] },
      { op: 'output', source: 3 },
    ]),
    build(
      'inner',
      parameters,
      [
        { op: 'encrypt', out: 0, input: 0 },
        { op: 'encrypt', out: 1, input: 1 },
        {
          op: 'inner',
          out: 2,
          terms: [
            { source: 0, constant: 0 },
            { source: 1, constant: 1 },
          ],
        },
        { op: 'relinearize', out: 3, source: 2 },
        { op: 'rescale', out: 4, source: 3 },
        { op: 'output', source: 4 },
      ],
      [constant(top, q(top)), constant(top, q(top))],
      { inputs: 2 },
    ),
    giantSteps('giant-steps', parameters, [0, 3, -7]),
    giantSteps('turned-giant-steps', parameters, [5, 2]),
    build(
      'rotate-inner',
      parameters,
      [
        { op: 'encrypt', out: 0, input: 0 },
        {
          op: 'rotate-inner',
          out: 1,
          terms: [0, 1, -7].map((step, index) => ({ source: 0, step, constant: index })),
        },
        { op: 'relinearize', out: 2, source: 1 },
        { op: 'rescale', out: 3, source: 2 },
        { op: 'add-constant', out: 4, source: 3, constant: 3 },
        { op: 'output', source: 4 },
      ],
      [...[0, 1, 2].map(() => constant(top, q(top), 'QP')), constant(top - 1)],
    ),
    build('square-unrelinearized', parameters, [
      { op: 'encrypt', out: 0, input: 0 },
      { op: 'square', out: 1, source: 0 },
      { op: 'multiply', out: 2, left: 0, right: 0 },
      { op: 'add', out: 3, left: 1, right: 2 },
      { op: 'rescale', out: 4, source: 3 },
      { op: 'output', source: 4 },
    ]),
    build('drop-level', parameters, [
      { op: 'encrypt', out: 0, input: 0 },
      { op: 'drop-level', out: 1, source: 0, level: 1 },
      { op: 'fold', out: 2, source: 1, steps: [8] },
      { op: 'output', source: 2 },
    ]),
  ];
  if (top < 3) return programs;
  programs.push(
    build(
      'chain',
      parameters,
      [
        { op: 'encrypt', out: 0, input: 0 },
        { op: 'inner', out: 1, terms: [{ source: 0, constant: 0 }] },
        { op: 'relinearize', out: 2, source: 1 },
        { op: 'rescale', out: 3, source: 2 },
        { op: 'square', out: 4, source: 3 },
        { op: 'relinearize', out: 5, source: 4 },
        { op: 'rescale', out: 6, source: 5 },
        {
          op: 'rotate-inner',
          out: 7,
          terms: [3, 0].map((step, i) => ({ source: 6, step, constant: 1 + i })),
        },
        { op: 'relinearize', out: 8, source: 7 },
        { op: 'rescale', out: 9, source: 8 },
        { op: 'output', source: 9 },
      ],
      [constant(top, q(top)), constant(top - 2, q(top - 2), 'QP'), constant(top - 2, q(top - 2), 'QP')],
    ),
  );
  return programs;
}

/**
 * A program whose answer travels in the ring n = 2048: values that are not periodic, so that the mean over copies shows.
 *
 * @param modulus q′, 1 modulo 4096.
 */
export function switchRingProgram(parameters: Parameters, modulus: number): TestProgram {
  const { program, constants } = build('switch-ring', parameters, [
    { op: 'encrypt', out: 0, input: 0 },
    { op: 'drop-level', out: 1, source: 0, level: 0 },
    { op: 'switch-ring', out: 2, source: 1 },
    { op: 'output', source: 2 },
  ]);
  return { program: { ...program, resultRing: { ringDegree: 2048, modulus } }, constants };
}

/**
 * A program whose answer travels in the ring n = 2048 and repeats itself there: the first eight values of the picture, at every 64 slots.
 *
 * @param period in slots of the answer
 */
export function repeatingProgram(parameters: Parameters, period = 64): TestProgram {
  const steps: number[] = [];
  for (let step = parameters.slots / 2; step >= period; step /= 2) steps.push(step);
  const { program, constants } = build('repeating', parameters, [
    { op: 'encrypt', out: 0, input: 0 },
    { op: 'drop-level', out: 1, source: 0, level: 0 },
    { op: 'fold', out: 2, source: 1, steps },
    { op: 'switch-ring', out: 3, source: 2 },
    { op: 'output', source: 3 },
  ]);
  const slots = Int32Array.from({ length: parameters.slots }, (_, i) => (i < 8 ? i : -1));
  const inputs = program.inputs.map((input) => ({ ...input, slots }));
  const resultRing = { ringDegree: 2048, modulus: parameters.moduli[0]! };
  return { program: { ...program, inputs, resultRing }, constants };
}

/**
 * Sums of many products at two levels, with rotations in between: more material than registers, by far.
 *
 * @param parameters at least three data primes of one size.
 * @param terms of each sum
 */
export function wideProgram(parameters: Parameters, terms: number): TestProgram {
  const top = parameters.maxLevel;
  const q = (level: number): number => parameters.moduli[level]!;
  const constants = [top, top - 1].flatMap((level, half) =>
    Array.from({ length: terms }, () => ({
      ...{ level, scale: q(level), modulus: half === 0 ? ('Q' as const) : ('QP' as const) },
    })),
  );
  const test = build(
    'wide',
    parameters,
    [
      { op: 'encrypt', out: 0, input: 0 },
      { op: 'encrypt', out: 1, input: 1 },
      {
        op: 'inner',
        out: 2,
        terms: Array.from({ length: terms }, (_, i) => ({ source: i % 2, constant: i })),
      },
      { op: 'relinearize', out: 3, source: 2 },
      { op: 'rescale', out: 4, source: 3 },
      { op: 'rotate', out: 5, source: 4, step: 1 },
      { op: 'rotate', out: 6, source: 4, step: 7 },
      { op: 'add', out: 7, left: 5, right: 6 },
      {
        op: 'rotate-inner',
        out: 8,
        terms: Array.from({ length: terms }, (_, i) => ({ source: 7, step: i % 4, constant: terms + i })),
      },
      { op: 'relinearize', out: 9, source: 8 },
      { op: 'rescale', out: 10, source: 9 },
      { op: 'fold', out: 11, source: 10, steps: [8, 16] },
      { op: 'output', source: 11 },
    ],
    constants,
    { inputs: 2 },
  );
  return { ...test, constants: test.constants.map((values) => values.map((value) => value / terms)) };
}

/** Keys and material for a program, made as the owner makes them. */
export async function makeMaterial(
  { program, constants }: TestProgram,
  owner?: OwnerKeys,
): Promise<{ readonly keys: OwnerKeys; readonly material: MaterialInMemory }> {
  const verified = verifyProgram(program);
  const keys = owner ?? (await createOwnerKeys(verified.parameters, program.resultRing));
  return {
    keys,
    material: {
      program: verified,
      constants: await encryptConstants(verified, keys.secretKey, constants),
      publicKey: keys.publicKey,
      evaluationKeys: await makeEvaluationKeys(verified, keys),
    },
  };
}
