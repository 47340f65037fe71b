import type { Register } from '../../program/program.ts';
import type { VerifiedProgram } from '../../program/verifier.ts';
import { type Plan, planProgram, type Step } from '../interpreter/plan.ts';
import { type MachineCost, OperationCost } from './operation-cost.ts';
import { addWork, type OperationWork, type Work } from './operation-work.ts';

/** Estimated time of one step of the engine, and the register that it writes. */
export type StepTime = {
  readonly out: Register;
  readonly kind: 'encrypt' | Step['op'];
  readonly milliseconds: number;
};

/** Estimates what every step of a program takes in the engine, with its fusions. */
export function estimateStepTimes(verified: VerifiedProgram, machine: MachineCost): StepTime[] {
  const { program } = verified;
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
        out: writtenRegister(step),
        kind: step.op,
        milliseconds: cost.milliseconds(stepWork(step, verified, cost.work)),
      }),
    ),
  ];
}

/** A register that a step writes, or helps to write. */
function writtenRegister(step: Step): Register {
  if (step.op === 'rotate-all') return step.rotations[0]!.out;
  return step.op === 'add-rotated' ? step.sum : step.out;
}

/** The work of one step, counted as `recorder.ts` records it. */
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
    case 'add-rotated':
      return work.addRotated(levelOf(step.source), step.step !== 0);
    case 'finish-rotated':
      return work.finishRotated(levelOf(step.out) + 1);
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
