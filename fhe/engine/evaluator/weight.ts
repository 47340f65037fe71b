import type { Address } from '../memory/arena.ts';
import type { Part } from '../window/window.ts';
import type { Block, EngineContext } from './context.ts';

/**
 * A constant in Montgomery form that is not in memory: for each prime both limbs come through the window together, `limbBytes` apart.
 */
export type StreamedWeight = {
  readonly level: number;
  readonly special: boolean;
  at(position: number): Part;
};

/** A constant in Montgomery form. */
export type Weight = Block | StreamedWeight;

/** Whether a constant is not encrypted: one polynomial, always in memory. All constants of a program are alike. */
export function isPlain(weight: Weight): boolean {
  return !isStreamed(weight) && weight.size === 1;
}

export function isStreamed(weight: Weight): weight is StreamedWeight {
  return 'at' in weight;
}

/** What is to be supplied for one prime: of a weight in memory nothing, its address says all. */
export function partOf(engine: EngineContext, weight: Weight, position: number): Part {
  return isStreamed(weight) ? weight.at(position) : engine.limb(weight, 0, position);
}

/** Bytes from the first limb of a prime to the second; of a constant that is not encrypted nobody reads what is there. */
export function betweenLimbs(engine: EngineContext, weight: Weight): number {
  return isStreamed(weight) ? engine.limbBytes : engine.distance(weight);
}

/** Both limbs of a prime, the first being at `address`; see {@link betweenLimbs}. */
export function limbsAt(engine: EngineContext, weight: Weight, address: Address): [Address, Address] {
  return [address, address + betweenLimbs(engine, weight)];
}
