import { assertNever, type Register, type VerifiedProgram } from '#fhe';

/** Typical error in a slot, not divided by the scale, at N = 8192 (fhe/README.md, "Where precision goes"); grows with √N. */
const NOISE = { publicKey: 2 ** 11, constant: 2 ** 8, rescale: 2 ** 11, keySwitch: 2 ** 12 } as const;
/** Typical magnitude of balanced values, against a peak of 2.5 (`balance-steps.ts`). */
const TYPICAL_VALUE = 0.3;
/** The worst of a few hundred logits relative to the typical one. */
const WORST = 4;

/**
 * Bits between a slot of 1 (1.5 times the largest calibrated logit) and the worst error: noise propagates through the program as
 * independent errors, with weights as large as balanced values require. An estimate, accurate to about two bits.
 */
export function estimatePrecisionBits({ program, registers, parameters, output }: VerifiedProgram): number {
  const growth = Math.sqrt(parameters.ringDegree / 8192);
  const errors = new Map<Register, number>();
  const error = (register: Register): number => errors.get(register)!;
  const noise = (kind: keyof typeof NOISE, scale: number): number => (NOISE[kind] * growth) / scale;
  const sum = (...parts: number[]): number => Math.hypot(...parts);
  for (const instruction of program.instructions) {
    if (instruction.op === 'output') continue;
    const { out } = instruction;
    const { scale } = registers.get(out)!;
    switch (instruction.op) {
      case 'encrypt':
        errors.set(out, noise('publicKey', scale));
        break;
      case 'inner':
      case 'rotate-inner': {
        const { terms } = instruction;
        const own = Math.max(...terms.map(({ source }) => error(source)));
        const weights = noise('constant', program.constants[terms[0]!.constant]!.scale);
        // Weights of balanced layers keep typical values typical: their norm is about 1, and so is their gain on errors.
        errors.set(out, sum(own, weights * TYPICAL_VALUE * Math.sqrt(terms.length)));
        break;
      }
      case 'square':
      case 'multiply': {
        const [a, b] =
          instruction.op === 'square'
            ? [instruction.source, instruction.source]
            : [instruction.left, instruction.right];
        errors.set(out, 2 * TYPICAL_VALUE * Math.max(error(a), error(b)));
        break;
      }
      case 'add':
        errors.set(out, sum(error(instruction.left), error(instruction.right)));
        break;
      case 'fold': {
        // Weights of norm 1 are spread over the folded slots: only the noise of the folds adds up.
        const folds = noise('keySwitch', scale) * Math.sqrt(2 ** instruction.steps.length);
        errors.set(out, sum(error(instruction.source), folds));
        break;
      }
      case 'rotate':
      case 'relinearize':
        errors.set(out, sum(error(instruction.source), noise('keySwitch', scale)));
        break;
      case 'rescale':
        errors.set(out, sum(error(instruction.source), noise('rescale', scale)));
        break;
      case 'add-constant':
        errors.set(
          out,
          sum(error(instruction.source), noise('constant', program.constants[instruction.constant]!.scale)),
        );
        break;
      case 'drop-level':
      case 'switch-ring':
        errors.set(out, error(instruction.source));
        break;
      default:
        assertNever(instruction);
    }
  }
  return Math.max(0, -Math.log2(WORST * error(output)));
}
