import type { OperationCost } from '#fhe/design';
import { registerDepths } from '../lowering/register-depths.ts';
import type { LinearStep, Step, StepNetwork } from '../lowering/steps.ts';
import { type LayoutClasses, layoutClasses } from './layout-classes.ts';
import { sampleRows } from './plan-linear.ts';
import { proposeCanvases, proposeLayouts } from './propose-layouts.ts';
import type { SlotLayout } from './slot-layout.ts';

/** Which layout may each tensor of a network take, and what does it cost? */
export type LayoutProblem = {
  readonly steps: readonly Step[];
  readonly classes: LayoutClasses;
  readonly cost: OperationCost;
  /** Layouts that are worth trying, by class. */
  readonly candidates: ReadonlyMap<number, readonly SlotLayout[]>;
  /** Level of the products of every step; the result of a linear one is a level lower. */
  readonly levels: readonly number[];
  /** Rows of every linear step used for estimates; all if undefined. */
  readonly samples: readonly (Int32Array | undefined)[];
};

/** Progress of a plan of many layers: tensors whose layout is chosen, or evaluated again because of shortcuts. */
export type PlanProgress = {
  readonly step: 'layouts' | 'shortcuts';
  readonly done: number;
  readonly total: number;
};

/** Poses the problem that `searchLayouts` solves and `refineLayouts` improves. @param slots of one picture. */
export function layoutProblem(network: StepNetwork, slots: number, cost: OperationCost): LayoutProblem {
  const { steps } = network;
  const classes = layoutClasses(network);
  const canvases = proposeCanvases(steps.flatMap((step) => (step.kind === 'linear' ? [step.shape] : [])));
  const candidates = new Map(
    classes.keys.map((key) => {
      const made = classes.linearOf.get(key)!;
      const { shape } = steps[made[0]!] as LinearStep;
      return [key, proposeLayouts(shape, slots, canvases, made.includes(steps.length - 1))];
    }),
  );
  const depths = registerDepths(network);
  const levels = steps.map((_, i) => depths.at(-1)! - depths[i + 1]! + 1);
  const samples = steps.map((step) => (step.kind === 'linear' ? sampleRows(step) : undefined));
  return { steps, classes, cost, candidates, levels, samples };
}

/** Cost of products in a layout of a class: a key switch for each ciphertext. */
export function productValue(
  { classes, cost, levels }: LayoutProblem,
  key: number,
  { ciphertexts }: SlotLayout,
): number {
  const level = levels[classes.linearOf.get(key)![0]!]!;
  return ciphertexts * cost.relinearizeRescale(level - 1);
}
