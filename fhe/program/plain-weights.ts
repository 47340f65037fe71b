import { assertNever } from '../assert-never.ts';
import { createEncoder } from '../ckks/encoder.ts';
import { FheError } from '../errors.ts';
import type { InterpreterMaterial } from './interpreter.ts';
import type { Instruction, Program, ProgramConstant, Register } from './program.ts';
import type { VerifiedProgram } from './verifier.ts';

/** A constant that everybody can read: one polynomial in NTT form, limbs as of a constant that is encrypted. */
export type PlainConstant = ProgramConstant & { readonly first: Uint32Array; readonly seed: null };

/** What an interpreter takes for such a program: constants come one by one, and have no serialized form. */
export type PlainMaterial = Omit<InterpreterMaterial, 'constants'> & {
  readonly constants: Iterable<PlainConstant>;
};

/**
 * The program with constants that are not encrypted, levels and scales as they were: products with them are not relinearized. For measurements only.
 */
export function withPlainWeights(program: Program): Program {
  const products = new Set<Register>();
  const renamed = new Map<Register, Register>();
  const instructions: Instruction[] = [];
  for (const instruction of program.instructions) {
    if (instruction.op === 'relinearize' && products.has(instruction.source)) {
      renamed.set(instruction.out, instruction.source);
      continue;
    }
    if (instruction.op === 'inner' || instruction.op === 'rotate-inner') products.add(instruction.out);
    instructions.push(readingFrom(instruction, (register) => renamed.get(register) ?? register));
  }
  return { ...program, weights: 'plain', instructions };
}

/** The instruction with other registers in place of those that it reads. */
function readingFrom(instruction: Instruction, from: (register: Register) => Register): Instruction {
  switch (instruction.op) {
    case 'encrypt':
      return instruction;
    case 'inner':
      return {
        ...instruction,
        terms: instruction.terms.map((term) => ({ ...term, source: from(term.source) })),
      };
    case 'rotate-inner':
      return {
        ...instruction,
        terms: instruction.terms.map((term) => ({ ...term, source: from(term.source) })),
      };
    case 'multiply':
    case 'add':
      return { ...instruction, left: from(instruction.left), right: from(instruction.right) };
    case 'rotate':
    case 'fold':
    case 'square':
    case 'add-constant':
    case 'relinearize':
    case 'rescale':
    case 'drop-level':
    case 'switch-ring':
    case 'output':
      return { ...instruction, source: from(instruction.source) };
    default:
      return assertNever(instruction);
  }
}

/**
 * Encodes the constants of such a program, one at a time.
 *
 * @param values the slot values of every constant, in order
 * @throws FheError FHE_RANGE as `Encoder.encode`, and if there are too few or too many
 */
export function* encodePlainConstants(
  { program, parameters }: VerifiedProgram,
  values: Iterable<Float64Array>,
): Generator<PlainConstant> {
  const encoder = createEncoder(parameters);
  let count = 0;
  for (const slots of values) {
    const type = program.constants[count++];
    if (type === undefined) break;
    yield { ...type, first: encoder.encode(slots, type), seed: null };
  }
  if (count !== program.constants.length)
    throw new FheError('FHE_RANGE', `${count} constants: the program has ${program.constants.length}`);
}
