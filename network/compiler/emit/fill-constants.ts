import type { LinearStep, StepNetwork } from '../lowering/steps.ts';
import { fillDiagonals } from '../packing/diagonals.ts';
import { forEachPatch } from '../packing/patches.ts';
import type { PlannedLinear } from '../packing/plan-linear.ts';
import type { PlannedNetwork } from '../packing/plan-network.ts';
import type { LayoutPlan } from '../packing/price-layouts.ts';
import { slotContents } from '../packing/slot-layout.ts';
import type { ConstantRecipe } from './emitter.ts';
import { repeatSlots } from './regions.ts';

/** Slots rotated to the right by `giant`: the sum containing a diagonal is rotated to the left by as much. */
function rotateWeights(weights: Float64Array, giant: number): Float64Array {
  if (giant === 0) return weights;
  const turned = new Float64Array(weights.length);
  turned.set(weights.subarray(0, weights.length - giant), giant);
  turned.set(weights.subarray(weights.length - giant), 0);
  return turned;
}

/** The weights of all diagonals of a step, in the order of its plan. */
function diagonalWeights(
  { terms }: LinearStep,
  planned: PlannedLinear,
  { layouts }: LayoutPlan,
): Float64Array[] {
  const weights: Float64Array[] = [];
  let first = 0;
  for (const { source, affine } of terms) {
    if (source === 0) continue;
    const input = layouts[source]!;
    const own = planned.diagonals.filter(({ from }) => from >= first && from < first + input.ciphertexts);
    const relative = own.map((diagonal) => ({ ...diagonal, from: diagonal.from - first }));
    // One by one: there may be more of them than a call takes arguments.
    for (const values of fillDiagonals(affine, input, planned.output, relative)) weights.push(values);
    first += input.ciphertexts;
  }
  return weights;
}

/** The weights of all patches of a step, by ciphertext of the result, patch and block to which the sum is rotated. */
function patchWeights({ terms }: LinearStep, { output, patches }: PlannedLinear): Float64Array[][][] {
  if (patches === null) return [];
  const { blocks } = patches;
  const weights = Array.from({ length: output.ciphertexts }, () =>
    Array.from({ length: patches.patches }, () =>
      Array.from({ length: blocks }, () => new Float64Array(output.slots)),
    ),
  );
  for (const { source, affine } of terms) {
    if (source !== 0) continue;
    forEachPatch(affine, output, patches, (to, patch, slot, entry, giant) => {
      weights[to]![patch]![(giant * blocks) / output.slots]![slot] = affine.weight[entry]!;
    });
  }
  return weights;
}

/** The bias of a step in the slots of its ciphertexts, one vector for each. */
function biasSlots({ bias }: LinearStep, { output }: PlannedLinear): Float64Array[] {
  const all = Float64Array.from(slotContents(output), (value) => (value < 0 ? 0 : bias[value]!));
  return Array.from({ length: output.ciphertexts }, (_, to) =>
    all.slice(to * output.slots, (to + 1) * output.slots),
  );
}

/** The constants of one step, by recipe. */
function stepConstants(
  network: StepNetwork,
  plan: LayoutPlan,
  i: number,
): (recipe: ConstantRecipe) => Float64Array {
  const step = network.steps[i] as LinearStep;
  const planned = plan.linear.get(i)!;
  const diagonals = diagonalWeights(step, planned, plan);
  const patches = patchWeights(step, planned);
  const biases = biasSlots(step, planned);
  return (recipe) => {
    if (recipe.kind === 'diagonal') return rotateWeights(diagonals[recipe.diagonal]!, recipe.giant);
    if (recipe.kind === 'bias') return biases[recipe.ciphertext]!;
    const turn = (recipe.giant * planned.patches!.blocks) / planned.output.slots;
    return patches[recipe.ciphertext]![recipe.patch]![turn]!;
  };
}

/**
 * Fills the constants of a written program: slot values, for its owner to encrypt.
 *
 * Assumes: the program was written from `planned`, at most with other factors and biases; the recipes of a step follow each other.
 */
export function fillConstants(
  recipes: readonly ConstantRecipe[],
  { network, plan, regions }: PlannedNetwork,
): Float64Array[] {
  let step = -1;
  // A step's data is released with it: all weights twice may exceed memory.
  let constantOf = (_: ConstantRecipe): Float64Array => new Float64Array();
  return recipes.map((recipe) => {
    if (recipe.step !== step) {
      step = recipe.step;
      constantOf = stepConstants(network, plan, step);
    }
    return repeatSlots(constantOf(recipe), regions);
  });
}
