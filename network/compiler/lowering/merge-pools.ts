import { type Affine, AffineBuilder } from '../linear/affine.ts';
import { addAffine, composeAffine } from '../linear/merge-linear-neighbors.ts';
import {
  type LinearStep,
  type LinearTerm,
  type PoolStep,
  type Step,
  type StepNetwork,
  windowStarts,
} from './steps.ts';

/** What replaces a register: another register, and the map still to be applied to its values; null for none. */
type Moved = { readonly register: number; readonly affine: Affine | null };

/** The sums of a pool's windows as a matrix. */
function poolMatrix(step: PoolStep): Affine {
  const [channels, height, width] = step.shape;
  const builder = new AffineBuilder(channels * height * width);
  for (const first of windowStarts(step)) {
    for (let dy = 0; dy < step.size; dy++)
      for (let dx = 0; dx < step.size; dx++) builder.entry(first + dy * width + dx, 1);
    builder.endRow(0);
  }
  return builder.build();
}

function after(inner: Affine | null, outer: Affine): Affine {
  return inner === null ? outer : composeAffine(outer, inner);
}

/** Terms that read the sources of the pools. */
function mergeTerms(terms: readonly LinearTerm[], moved: readonly Moved[]): LinearTerm[] {
  const merged = new Map<number, Affine>();
  for (const { source, affine } of terms) {
    const { register, affine: inner } = moved[source]!;
    const whole = after(inner, affine);
    const present = merged.get(register);
    merged.set(register, present === undefined ? whole : addAffine(present, whole));
  }
  return [...merged].map(([source, affine]) => ({ source, affine }));
}

/**
 * Merges pools into the linear steps that read them: no folds, more entries. Exact; returns the network itself if it has no pools.
 *
 * Assumes: only linear steps and other pools read what a pool makes (see `lowerSteps`).
 *
 * @throws NetworkError NETWORK_TOO_LARGE if a matrix gets more than 2^26 entries.
 */
export function mergePools(network: StepNetwork): StepNetwork {
  if (!network.steps.some(({ kind }) => kind === 'pool')) return network;
  const steps: Step[] = [];
  const moved: Moved[] = [{ register: 0, affine: null }];
  const keep = (step: Step): void => {
    steps.push(step);
    moved.push({ register: steps.length, affine: null });
  };
  for (const step of network.steps) {
    if (step.kind === 'pool') {
      const { register, affine } = moved[step.source]!;
      moved.push({ register, affine: after(affine, poolMatrix(step)) });
    } else if (step.kind === 'product') {
      keep({ ...step, left: moved[step.left]!.register, right: moved[step.right]!.register });
    } else keep({ ...step, terms: mergeTerms(step.terms, moved) } satisfies LinearStep);
  }
  return { ...network, steps };
}
