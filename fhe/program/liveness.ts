import { assertNever } from '../assert-never.ts';
import type { Instruction, Program, Register } from './program.ts';

/** For every register, the index of its last reader; missing if it has none. */
export function lastUses(instructions: readonly Instruction[]): Map<Register, number> {
  const last = new Map<Register, number>();
  instructions.forEach((instruction, index) => {
    for (const register of readRegisters(instruction)) last.set(register, index);
  });
  return last;
}

/** Peak bytes of live registers: a register lives from its write to its last read. */
export function peakRegisterBytes(
  { instructions, parameters }: Program,
  types: ReadonlyMap<Register, { readonly size: number; readonly level: number }>,
): number {
  const last = lastUses(instructions);
  let live = 0;
  let peak = 0;
  const bytesOf = (register: Register): number => {
    const { size, level } = types.get(register)!;
    return size * (level + 1) * parameters.ringDegree * 4;
  };
  instructions.forEach((instruction, index) => {
    if ('out' in instruction) live += bytesOf(instruction.out);
    peak = Math.max(peak, live);
    for (const register of new Set(readRegisters(instruction))) {
      if (last.get(register) === index) live -= bytesOf(register);
    }
  });
  return peak;
}

/** The registers that an instruction reads, in order; a register may occur several times. */
export function readRegisters(instruction: Instruction): Register[] {
  switch (instruction.op) {
    case 'encrypt':
      return [];
    case 'inner':
    case 'rotate-inner':
      return instruction.terms.map((term) => term.source);
    case 'multiply':
    case 'add':
      return [instruction.left, instruction.right];
    case 'rotate':
    case 'fold':
    case 'square':
    case 'add-constant':
    case 'relinearize':
    case 'rescale':
    case 'drop-level':
    case 'switch-ring':
    case 'output':
      return [instruction.source];
    default:
      return assertNever(instruction);
  }
}
