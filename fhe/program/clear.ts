import { FheError } from '../errors.ts';
import { packInputs } from './pack-inputs.ts';
import type { Instruction, Register } from './program.ts';
import type { VerifiedProgram } from './verifier.ts';

/**
 * Runs a program on float64 slot vectors: what the encrypted run would answer without noise. For the owner's tests.
 *
 * @param constants the slot values of every constant, in order; missing slots are zero.
 * @param values a prepared picture (see `packInputs`), or one vector of slots for each input.
 * @returns the N/2 slots of the output; after `switch-ring`, the slots of the result ring.
 * @throws FheError FHE_RANGE where values or constants do not fit the program.
 */
export function runClear(
  { program, parameters, output }: VerifiedProgram,
  constants: readonly Float64Array[],
  values: Float32Array | readonly Float64Array[],
): Float64Array {
  const { slots } = parameters;
  const inputs = values instanceof Float32Array ? packInputs(program, values) : values;
  if (inputs.length !== program.inputs.length || constants.length !== program.constants.length) {
    throw new FheError(
      'FHE_RANGE',
      `${inputs.length} inputs and ${constants.length} constants: the program has ${program.inputs.length} and ${program.constants.length}`,
    );
  }
  const pad = (vector: Float64Array): Float64Array => {
    if (vector.length > slots) throw new FheError('FHE_RANGE', `${vector.length} values: at most ${slots}`);
    const padded = new Float64Array(slots);
    padded.set(vector);
    return padded;
  };
  const registers = new Map<Register, Float64Array>();
  const read = (register: Register): Float64Array => registers.get(register)!;

  const evaluate = (instruction: Exclude<Instruction, { op: 'output' }>): Float64Array => {
    switch (instruction.op) {
      case 'encrypt':
        return pad(inputs[instruction.input]!);
      case 'inner':
        return weightedSum(instruction.terms.map((term) => ({ ...term, step: 0 })));
      case 'rotate-inner':
        return weightedSum(instruction.terms);
      case 'rotate':
        return rotateSlots(read(instruction.source), instruction.step);
      case 'fold': {
        let sum = read(instruction.source);
        for (const step of instruction.steps) sum = combine(sum, rotateSlots(sum, step), (a, b) => a + b);
        return sum;
      }
      case 'square':
        return read(instruction.source).map((value) => value * value);
      case 'multiply':
        return combine(read(instruction.left), read(instruction.right), (a, b) => a * b);
      case 'add':
        return combine(read(instruction.left), read(instruction.right), (a, b) => a + b);
      case 'add-constant':
        return combine(read(instruction.source), pad(constants[instruction.constant]!), (a, b) => a + b);
      case 'relinearize':
      case 'rescale':
      case 'drop-level':
        return read(instruction.source);
      case 'switch-ring':
        return meanOfCopies(read(instruction.source), program.resultRing!.ringDegree / 2);
    }
  };

  function weightedSum(terms: readonly { source: Register; step: number; constant: number }[]): Float64Array {
    const sum = new Float64Array(slots);
    for (const { source, step, constant } of terms) {
      const rotated = rotateSlots(read(source), step);
      const weights = constants[constant]!;
      if (weights.length > slots) throw new FheError('FHE_RANGE', `constant ${constant} has too many slots`);
      for (let i = 0; i < weights.length; i++) sum[i] = sum[i]! + rotated[i]! * weights[i]!;
    }
    return sum;
  }

  for (const instruction of program.instructions) {
    if (instruction.op !== 'output') registers.set(instruction.out, evaluate(instruction));
  }
  return read(output);
}

/** Rotation to the left: slot i of the result is slot i + step of the source, cyclic over all slots. */
export function rotateSlots(source: Float64Array, step: number): Float64Array {
  const count = source.length;
  const offset = ((step % count) + count) % count;
  const rotated = new Float64Array(count);
  rotated.set(source.subarray(offset));
  rotated.set(source.subarray(0, offset), count - offset);
  return rotated;
}

function combine(
  left: Float64Array,
  right: Float64Array,
  operation: (a: number, b: number) => number,
): Float64Array {
  return left.map((value, i) => operation(value, right[i]!));
}

/** What `switch-ring` does to slots: slot i of the result is the mean of the source slots i, i + count, i + 2·count, … */
function meanOfCopies(source: Float64Array, count: number): Float64Array {
  const copies = source.length / count;
  return Float64Array.from({ length: count }, (_, i) => {
    let sum = 0;
    for (let at = i; at < source.length; at += count) sum += source[at]!;
    return sum / copies;
  });
}
