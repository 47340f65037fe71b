import { assertNever } from '../../assert-never.ts';
import { foldRounds } from '../../program/fold-rounds.ts';
import type { Program } from '../../program/program.ts';
import { normalizeStep } from '../../ring/automorphism.ts';
import type { Plan, Step } from './plan.ts';

/** How often a run reads each constant (as a factor) and each key, in the order of the first use. The relinearization key is step 0. */
export type MaterialUses = {
  readonly factors: ReadonlyMap<number, number>;
  readonly addends: ReadonlySet<number>;
  readonly keys: ReadonlyMap<number, number>;
  /** Factors and keys by their first use. */
  readonly order: readonly ({ readonly factor: number } | { readonly key: number })[];
};

/** Counts what the steps of a plan read. */
export function countUses(
  { steps }: Plan,
  { parameters: { ringDegree }, weights }: Pick<Program, 'parameters' | 'weights'>,
): MaterialUses {
  const isPlain = weights === 'plain';
  const factors = new Map<number, number>();
  const addends = new Set<number>();
  const keys = new Map<number, number>();
  const order: ({ factor: number } | { key: number })[] = [];
  const factor = (constant: number): void => {
    if (!factors.has(constant)) order.push({ factor: constant });
    factors.set(constant, (factors.get(constant) ?? 0) + 1);
  };
  const key = (by: number): void => {
    if (!keys.has(by)) order.push({ key: by });
    keys.set(by, (keys.get(by) ?? 0) + 1);
  };
  const rotate = (by: number): void => {
    const step = normalizeStep(by, ringDegree);
    if (step !== 0) key(step);
  };
  const count = (step: Step): void => {
    switch (step.op) {
      case 'inner':
        for (const { constant } of step.terms) factor(constant);
        break;
      case 'rotate-inner':
      case 'rotate-inner-relinearize':
        for (const { step: by, constant } of step.terms) {
          factor(constant);
          rotate(by);
        }
        if (step.op === 'rotate-inner-relinearize') key(0);
        break;
      case 'rotate-all':
        for (const { step: by } of step.rotations) rotate(by);
        break;
      case 'fold':
        for (const round of foldRounds(step.steps)) for (const by of round) rotate(by);
        break;
      case 'relinearize':
      case 'relinearize-rescale':
        key(0);
        break;
      case 'add-rotated':
        if (!isPlain) key(0);
        rotate(step.step);
        break;
      case 'add-constant':
        addends.add(step.constant);
        break;
      case 'square':
      case 'multiply':
      case 'add':
      case 'rescale':
      case 'finish-rotated':
      case 'drop-level':
      case 'copy':
      case 'switch-ring':
        break;
      default:
        assertNever(step);
    }
  };
  for (const step of steps) count(step);
  return { factors, addends, keys, order };
}
