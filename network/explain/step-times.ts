import { type Plan, planProgram, type Step } from '#fhe/program/engine-plan.ts';
import type { Instruction, Program, Register } from '#fhe/program/program.ts';
import { type VerifiedProgram, verifyProgram } from '#fhe/program/verifier.ts';
import { type MachineCost, OperationCost } from '../packing/general/operation-cost.ts';
import { addWork, type OperationWork, type Work } from '../packing/general/operation-work.ts';

/** Estimated time of one step of the engine, and the register that it ends in. */
export type StepTime = {
  readonly out: Register;
  readonly kind: 'encrypt' | Step['op'];
  readonly milliseconds: number;
};

/** Estimates what every step of a program takes in the engine, with its fusions. @throws FheError as `verifyProgram`. */
export function estimateStepTimes(program: Program, machine: MachineCost): StepTime[] {
  const verified = verifyProgram(program);
  const { ringDegree, specialModuli } = program.parameters;
  const cost = new OperationCost(machine, { ringDegree, alpha: Math.max(1, specialModuli.length) });
  const plan: Plan = planProgram(program);
  const encryptions = plan.inputs.map(
    ({ input, register }): StepTime => ({
      out: register,
      kind: 'encrypt',
      milliseconds: cost.encrypt(program.inputs[input]!.level),
    }),
  );
  return [
    ...encryptions,
    ...plan.steps.map(
      (step): StepTime => ({
        out: step.op === 'rotate-all' ? step.rotations[0]!.out : step.out,
        kind: step.op,
        milliseconds: cost.milliseconds(stepWork(step, verified, cost.work)),
      }),
    ),
  ];
}

/** The work of one step, counted as `engine-recorder.ts` records it. */
function stepWork(step: Step, { registers }: VerifiedProgram, work: OperationWork): Work {
  const levelOf = (register: Register): number => registers.get(register)!.level;
  switch (step.op) {
    case 'inner':
      return work.inner(levelOf(step.out), step.terms.length);
    case 'rotate-inner':
    case 'rotate-inner-relinearize': {
      const level = levelOf(step.terms[0]!.source);
      const turning = step.terms.filter((term) => term.step !== 0);
      const sources = new Set(turning.map((term) => term.source)).size;
      const sum = work.rotatedSum(level, step.terms.length, turning.length, sources);
      return step.op === 'rotate-inner'
        ? addWork(sum, work.divide(level + 1, 3))
        : addWork(sum, work.relinearizeTimesP(level, levelOf(step.out) < level));
    }
    case 'relinearize':
      return work.relinearize(levelOf(step.source));
    case 'relinearize-rescale':
      return work.relinearizeRescale(levelOf(step.source));
    case 'rotate-all':
      return work.rotations(levelOf(step.source), step.rotations.length);
    case 'fold':
      return work.fold(levelOf(step.source), step.steps.length);
    case 'square':
      return work.inner(levelOf(step.source), 1);
    case 'multiply':
      return work.inner(levelOf(step.left), 1);
    case 'rescale':
      return work.rescale(levelOf(step.source));
    case 'add':
    case 'add-constant':
    case 'drop-level':
    case 'copy':
      return work.elementwise(levelOf(step.out));
    case 'switch-ring':
      return work.relinearize(0);
  }
}

/** One layer's share of a program: its instructions, as registers, in order. */
export type Segment = { readonly kind: 'linear' | 'activation'; readonly registers: ReadonlySet<Register> };

/**
 * Splits a program at the biases that end linear steps.
 *
 * @param biases for each linear step, how many ciphertexts, and so `add-constant` instructions, it ends with.
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
      // What follows the logits (the ring of results) is theirs.
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
