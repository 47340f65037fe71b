import type { Register } from '../../program/program.ts';
import type { VerifiedProgram } from '../../program/verifier.ts';
import { type Plan, planProgram, type Step } from '../interpreter/plan.ts';
import { type MachineCost, OperationCost } from './operation-cost.ts';
import { stepWork } from './step-work.ts';

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
