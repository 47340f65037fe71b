import type { OperationCost } from '#fhe/design';
import type { LinearStep, PoolStep } from '../lowering/steps.ts';
import { type Diagonal, type Estimate, findDiagonals } from './diagonals.ts';
import { type PatchPlan, planPatches } from './patches.ts';
import { poolLayout } from './pool-layout.ts';
import { type Schedule, scheduleDiagonals } from './schedule.ts';
import type { SlotLayout } from './slot-layout.ts';

/** Evaluation plan of one linear step. */
export type PlannedLinear = {
  /** Level of its products; the result is one lower. */
  readonly level: number;
  readonly output: SlotLayout;
  /** Diagonals of all terms that read registers; `from` counts the ciphertexts of the terms one after the other. */
  readonly diagonals: readonly Diagonal[];
  readonly schedule: Schedule;
  /** How the picture is laid out; null without a term on it. */
  readonly patches: PatchPlan | null;
  readonly milliseconds: number;
};

/** Number of entries used for estimates. */
const SAMPLED_ENTRIES = 24_000;

/** A fixed sample of rows, spread without a period that could coincide with that of a layout. */
export function sampleRows(step: LinearStep): Int32Array | undefined {
  const rows = step.bias.length;
  const entries = step.terms.reduce((sum, { affine }) => sum + affine.column.length, 0);
  if (entries <= SAMPLED_ENTRIES) return undefined;
  const count = Math.max(8, Math.ceil((rows * SAMPLED_ENTRIES) / entries));
  if (count >= rows) return undefined;
  return Int32Array.from({ length: count }, (_, i) => Math.floor((i * 0.6180339887 * rows) % rows));
}

/** The diagonals of all terms on registers, and how many ciphertexts these are. */
export function linearDiagonals(
  step: LinearStep,
  layoutOf: (register: number) => SlotLayout,
  output: SlotLayout,
  estimate?: Estimate,
): { diagonals: Diagonal[]; sources: number } {
  const diagonals: Diagonal[] = [];
  let sources = 0;
  for (const { source, affine } of step.terms) {
    if (source === 0) continue;
    const input = layoutOf(source);
    const found = findDiagonals(affine, input, output, estimate);
    // One by one: there may be more of them than a call takes arguments.
    for (const diagonal of found)
      diagonals.push(sources === 0 ? diagonal : { ...diagonal, from: sources + diagonal.from });
    sources += input.ciphertexts;
  }
  return { diagonals, sources };
}

/** Plans one linear step for given layouts of its inputs. */
export function planLinear(
  step: LinearStep,
  level: number,
  output: SlotLayout,
  { diagonals, sources }: ReturnType<typeof linearDiagonals>,
  cost: OperationCost,
): PlannedLinear {
  const schedule = scheduleDiagonals(diagonals, output, level, cost, sources);
  const picture = step.terms.find(({ source }) => source === 0);
  const patches =
    picture === undefined ? null : planPatches(picture.affine, output, level, cost, diagonals.length === 0);
  const milliseconds = schedule.milliseconds + (patches?.milliseconds ?? 0);
  return { level, output, diagonals, schedule, patches, milliseconds };
}

/** The input of a linear step if pools come between it and a chosen layout. */
export type PooledInput = { readonly layout: SlotLayout; readonly keySwitches: number };

/** The layout of a tensor after pools, and the rotations that they take; null if they do not fit it. */
export function pooledInput(input: SlotLayout, pools: readonly PoolStep[]): PooledInput | null {
  let layout = input;
  let keySwitches = 0;
  for (const pool of pools) {
    const pooled = poolLayout(layout, pool);
    if (pooled === null) return null;
    layout = pooled.layout;
    keySwitches += layout.ciphertexts * pooled.fold.length;
  }
  return { layout, keySwitches };
}
