import type { Target } from '../target.ts';
import { FAMILIES } from './families.ts';

/** All targets, with the family that each is of. */
export async function loadAll(): Promise<readonly (Target & { readonly family: string })[]> {
  const families = await Promise.all(
    Object.entries(FAMILIES).map(async ([family, load]) =>
      (await load()).map((target) => Object.assign(target, { family })),
    ),
  );
  return families.flat();
}
