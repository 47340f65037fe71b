import { assertNever } from '../../assert-never.ts';
import type { Instruction } from '../../program/program.ts';
import { normalizeStep } from '../../ring/automorphism.ts';

/** Ciphertext operations that instructions need. Counts, not times: they are the same on every machine. */
export type OperationCounts = {
  readonly encryptions: number;
  /** Rotations by something, hoisted ones included. */
  readonly rotations: number;
  readonly relinearizations: number;
  /** Ciphertext · ciphertext products. */
  readonly products: number;
  readonly rescales: number;
};

/** Counts the operations of some instructions of a program as written: the engine fuses some. */
export function countOperations(instructions: readonly Instruction[], ringDegree: number): OperationCounts {
  const sum = { encryptions: 0, rotations: 0, relinearizations: 0, products: 0, rescales: 0 };
  const turns = (step: number): boolean => normalizeStep(step, ringDegree) !== 0;
  for (const instruction of instructions) {
    switch (instruction.op) {
      case 'encrypt':
        sum.encryptions++;
        break;
      case 'inner':
        sum.products += instruction.terms.length;
        break;
      case 'rotate-inner':
        sum.products += instruction.terms.length;
        sum.rotations += instruction.terms.filter(({ step }) => turns(step)).length;
        break;
      case 'rotate':
        sum.rotations += turns(instruction.step) ? 1 : 0;
        break;
      case 'fold':
        sum.rotations += instruction.steps.filter(turns).length;
        break;
      case 'square':
      case 'multiply':
        sum.products++;
        break;
      case 'relinearize':
        sum.relinearizations++;
        break;
      case 'rescale':
        sum.rescales++;
        break;
      case 'add':
      case 'add-constant':
      case 'drop-level':
      case 'switch-ring':
      case 'output':
        break;
      default:
        assertNever(instruction);
    }
  }
  return sum;
}
