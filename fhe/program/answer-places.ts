import type { Instruction, Register } from './program.ts';
import type { VerifiedProgram } from './verifier.ts';

/** What leaves values that repeat themselves as they are; so does adding the biases, which the compiler repeats like what they are added to. */
const KEEPS_COPIES: ReadonlySet<Instruction['op']> = new Set([
  'switch-ring',
  'add-constant',
  'rescale',
  'drop-level',
  'relinearize',
  'rotate',
]);

/**
 * How many answers of a program have room in one ciphertext (`Gathering`): as often as an answer repeats itself in the slots of the small ring. Read off the program, so that gateways know it of
 * bundles of any age: its last sum is a `fold` over all distances from half of the slots down to one, and repeats itself at that distance. 1 for answers that do not travel in the
 * small ring, and for programs that end otherwise.
 */
export function answerPlaces({ program, parameters, resultParameters, output }: VerifiedProgram): number {
  if (program.resultRing === undefined) return 1;
  const makers = new Map<Register, Instruction>();
  for (const instruction of program.instructions)
    if (instruction.op !== 'output') makers.set(instruction.out, instruction);
  let maker = makers.get(output);
  while (maker !== undefined && KEEPS_COPIES.has(maker.op) && 'source' in maker)
    maker = makers.get(maker.source);
  if (maker?.op !== 'fold') return 1;
  const steps = new Set(maker.steps);
  let period: number = parameters.slots;
  while (steps.has(period / 2)) period /= 2;
  return Math.max(1, resultParameters.slots / period);
}
