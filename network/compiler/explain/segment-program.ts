import type { Instruction, Register } from '#fhe';

/** One layer's share of a program: its instructions, as registers, in order. */
export type Segment = { readonly kind: 'linear' | 'activation'; readonly registers: ReadonlySet<Register> };

/**
 * Splits a program at the biases that end linear steps.
 *
 * @param biases for each linear step, the number of ciphertexts, and so of `add-constant` instructions, it ends with.
 */
export function segmentProgram(instructions: readonly Instruction[], biases: readonly number[]): Segment[] {
  const segments: { kind: 'linear' | 'activation'; registers: Set<Register> }[] = [];
  const productParts = new Set<Register>();
  let stage = 0;
  let left = biases[0]!;
  let linear: (typeof segments)[number] | null = null;
  for (const instruction of instructions) {
    if (instruction.op === 'output') continue;
    const { op, out } = instruction;
    const ofProduct =
      op === 'square' ||
      op === 'multiply' ||
      ((op === 'relinearize' || op === 'rescale') && productParts.has(instruction.source));
    if (ofProduct) {
      if (op !== 'rescale') productParts.add(out);
      if (segments.at(-1)?.kind !== 'activation') segments.push({ kind: 'activation', registers: new Set() });
      segments.at(-1)!.registers.add(out);
      continue;
    }
    if (linear === null && stage === biases.length) {
      // What follows the logits (the result ring) belongs to them.
      segments.at(-1)!.registers.add(out);
      continue;
    }
    if (linear === null) {
      linear = { kind: 'linear', registers: new Set() };
      segments.push(linear);
    }
    linear.registers.add(out);
    if (op === 'add-constant' && --left === 0) {
      linear = null;
      stage++;
      left = biases[stage] ?? 0;
    }
  }
  return segments;
}
