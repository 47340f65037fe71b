import { assertNever } from '../../assert-never.ts';
import { digitCount, evaluationKeysBytes } from '../../ckks/evaluation-keys.ts';
import type { Parameters } from '../../ckks/parameters.ts';
import { constantsBytes } from '../../ckks/serialization.ts';
import { answerFormOf } from '../../program/answer-form-of.ts';
import type { Instruction, Program } from '../../program/program.ts';
import { type VerifiedProgram, verifyProgram } from '../../program/verifier.ts';
import { normalizeStep } from '../../ring/automorphism.ts';

/** What a run of a program takes. Counts, not times: they are the same on every machine. */
export type ProgramCost = {
  readonly encryptions: number;
  /** Rotations by something, hoisted ones included. */
  readonly rotations: number;
  readonly relinearizations: number;
  /** Ciphertext · ciphertext products. */
  readonly products: number;
  readonly rescales: number;
  /**
   * Transforms of one limb, forward or inverse. Rotations of one `rotate-inner` share the decomposition of their source and one
   * division by P; everything else is counted unfused.
   */
  readonly transforms: number;
  readonly bytes: {
    readonly constants: number;
    readonly evaluationKeys: number;
    /** The answer on the wire. */
    readonly result: number;
    /** Estimate of the most memory, see `VerifiedProgram`. */
    readonly memory: number;
  };
};

/** The cost interpreter. @throws FheError as `verifyProgram`. */
export function estimateCost(program: Program): ProgramCost {
  const verified = verifyProgram(program);
  const { parameters, requirements, registers, output, memoryBytes } = verified;
  const sum = { encryptions: 0, rotations: 0, relinearizations: 0, products: 0, rescales: 0, transforms: 0 };
  for (const instruction of program.instructions) {
    const part = costOf(instruction, verified);
    for (const key of Object.keys(sum) as (keyof Counts)[]) sum[key] += part[key] ?? 0;
  }
  return {
    ...sum,
    bytes: {
      constants: constantsBytes(parameters, program.constants),
      evaluationKeys: evaluationKeysBytes(parameters, requirements),
      result: answerFormOf(verified).bytes(registers.get(output)!.level, registers.get(output)!.size),
      memory: memoryBytes,
    },
  };
}

type Counts = Omit<ProgramCost, 'bytes'>;

function costOf(instruction: Instruction, verified: VerifiedProgram): Partial<Counts> {
  const { parameters, registers, program } = verified;
  const levelOf = (register: number): number => registers.get(register)!.level;
  const turns = (step: number): boolean => normalizeStep(step, parameters.ringDegree) !== 0;
  switch (instruction.op) {
    case 'encrypt': {
      // The encoded picture, the ternary mask and two errors, and the division by P of both halves.
      const level = program.inputs[instruction.input]!.level;
      const limbs = level + 1 + parameters.specialModuli.length;
      return { encryptions: 1, transforms: level + 1 + 3 * limbs + modDown(parameters, level, 2) };
    }
    case 'inner':
      return { products: instruction.terms.length };
    case 'rotate-inner': {
      const level = levelOf(instruction.out);
      const rotated = instruction.terms.filter((term) => turns(term.step));
      const sources = new Set(rotated.map((term) => term.source));
      return {
        products: instruction.terms.length,
        rotations: rotated.length,
        transforms: sources.size * decompose(parameters, level) + modDown(parameters, level, 3),
      };
    }
    case 'rotate':
    case 'fold': {
      const steps = instruction.op === 'rotate' ? [instruction.step] : instruction.steps;
      const rotations = steps.filter(turns).length;
      return { rotations, transforms: rotations * keySwitch(parameters, levelOf(instruction.out)) };
    }
    case 'square':
    case 'multiply':
      return { products: 1 };
    case 'relinearize':
      return { relinearizations: 1, transforms: keySwitch(parameters, levelOf(instruction.out)) };
    case 'rescale': {
      const { level, size } = registers.get(instruction.out)!;
      return { rescales: 1, transforms: size * (level + 2) };
    }
    case 'switch-ring':
      // Two digits modulo two primes, both halves there and back, and the answer in the small ring.
      return { transforms: 2 + 4 + 4 + 2 };
    case 'add':
    case 'add-constant':
    case 'drop-level':
    case 'output':
      return {};
    default:
      return assertNever(instruction);
  }
}

/** Limbs to coefficients, and every digit to the primes that are not its own. */
function decompose(parameters: Parameters, level: number): number {
  const limbs = level + 1;
  const extended = limbs + parameters.specialModuli.length;
  return limbs + digitCount(parameters, level) * extended - limbs;
}

/** Division by P: special limbs to coefficients, and back to every data prime. */
function modDown(parameters: Parameters, level: number, polynomials: number): number {
  return polynomials * (parameters.specialModuli.length + level + 1);
}

function keySwitch(parameters: Parameters, level: number): number {
  return decompose(parameters, level) + modDown(parameters, level, 2);
}
