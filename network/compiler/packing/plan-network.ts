import type { MachineCost } from '#fhe/design';
import { NetworkError } from '#network/errors.ts';
import { mergePools } from '../lowering/merge-pools.ts';
import { registerDepths } from '../lowering/register-depths.ts';
import { registerSizes, type StepNetwork } from '../lowering/steps.ts';
import { type ChosenParameters, chooseParameters, RING_DEGREES } from './choose-parameters.ts';
import { layoutProblem, type PlanProgress } from './layout-problem.ts';
import { type LayoutPlan, priceLayouts } from './price-layouts.ts';
import { refineLayouts } from './refine-layouts.ts';
import { searchLayouts } from './search-layouts.ts';

/** A network with parameters, layouts and schedules, before any constant is filled in. */
export type PlannedNetwork = {
  readonly network: StepNetwork;
  readonly plan: LayoutPlan;
  /** Pictures that share the ciphertexts; the plan is that of one. */
  readonly regions: number;
} & ChosenParameters;

/** The machine to plan for, and the number of pictures in one ciphertext. */
export type PlanOptions = {
  readonly machine?: MachineCost;
  readonly regions?: number;
  readonly onProgress?: (progress: PlanProgress) => void;
};

/** Plans steps in a ring: poses the problem, searches, refines, prices. Null if pools fit none of the layouts tried. */
function planLayouts(
  network: StepNetwork,
  slots: number,
  { cost }: ChosenParameters,
  onProgress?: (progress: PlanProgress) => void,
): LayoutPlan | null {
  const problem = layoutProblem(network, slots, cost);
  const found = searchLayouts(problem, onProgress);
  return found && priceLayouts(problem, refineLayouts(problem, found, onProgress));
}

/**
 * Plans steps as they are: parameters, layouts, schedules. Several regions may need a larger ring than the depth alone.
 *
 * @throws NetworkError NETWORK_TOO_DEEP; NETWORK_TOO_LARGE if pools fit no layout, or the regions no ring.
 */
export function planSteps(network: StepNetwork, options: PlanOptions = {}): PlannedNetwork {
  const { machine, regions = 1, onProgress } = options;
  const depth = registerDepths(network).at(-1)!;
  const logits = registerSizes(network).at(-1)!;
  let smallest = 0;
  for (;;) {
    const chosen = chooseParameters(depth, machine, smallest);
    const { ringDegree } = chosen.literal;
    const slots = ringDegree / 2 / regions;
    const fits = regions === 1 || logits <= slots;
    const plan = fits ? planLayouts(network, slots, chosen, onProgress) : null;
    if (plan !== null) return { network, plan, regions, ...chosen };
    if (regions === 1)
      throw new NetworkError('NETWORK_TOO_LARGE', 'no layout lets pooling be a step of its own');
    if (ringDegree === RING_DEGREES.at(-1)) throw tooManyRegions(regions, slots);
    smallest = 2 * ringDegree;
  }
}

/** Why a network that fits with fewer regions is refused. */
function tooManyRegions(regions: number, slots: number): NetworkError {
  return new NetworkError(
    'NETWORK_TOO_LARGE',
    `${regions} regions in one ciphertext leave each ${slots} slots in the largest ring, too few for this network; use fewer regions`,
  );
}

/**
 * Plans a network, with mean pooling in the next layer's matrix or as a separate step, whichever is better.
 *
 * Assumes: `network` is as `lowerSteps` makes it, with pools as steps.
 *
 * @throws NetworkError as `planSteps` and `mergePools`, if neither works.
 */
export function planNetwork(network: StepNetwork, options: PlanOptions = {}): PlannedNetwork {
  if (!network.steps.some((step) => step.kind === 'pool')) return planSteps(network, options);
  let best: PlannedNetwork | null = null;
  let refusal: NetworkError | null = null;
  for (const variant of [() => mergePools(network), () => network]) {
    try {
      const planned = planSteps(variant(), options);
      if (best === null || planned.plan.value < best.plan.value) best = planned;
    } catch (error) {
      if (!(error instanceof NetworkError)) throw error;
      refusal ??= error;
    }
  }
  if (best === null) throw refusal!;
  return best;
}
