import { materialBytes } from '../../program/material-bytes.ts';
import type { VerifiedProgram } from '../../program/verifier.ts';
import { planProgram } from '../interpreter/plan.ts';
import { addWork, OperationWork } from './operation-work.ts';
import { stepWork } from './step-work.ts';

/** What no evaluation of a program can do without, however well it is written: the physical limit of a frame. */
export type FrameWork = {
  /** Bytes of constants and keys as the kernel reads them, each counted once however often a frame uses it. */
  readonly bytes: number;
  /** Products of residues that are added up: with weights and keys, and where digits change their base. */
  readonly products: number;
  /** Butterflies of the transforms, a product of residues each. */
  readonly butterflies: number;
};

/** Counts the work of encrypting and evaluating one frame in the engine, with its fusions. */
export function frameWork(verified: VerifiedProgram): FrameWork {
  const { program, parameters, requirements } = verified;
  const { ringDegree, specialModuli } = parameters;
  const count = new OperationWork(Math.max(1, specialModuli.length), program.weights);
  const plan = planProgram(program);
  const { transforms, keyProducts, products, conversions } = addWork(
    ...plan.inputs.map(({ input }) => count.encrypt(program.inputs[input]!.level)),
    ...plan.steps.map((step) => stepWork(step, verified, count)),
  );
  return {
    bytes: materialBytes(parameters, program, requirements),
    products: (keyProducts + products + conversions) * ringDegree,
    butterflies: transforms * (ringDegree / 2) * Math.log2(ringDegree),
  };
}
