import type { Diagonal } from './diagonals.ts';
import type { OperationCost } from './operation-cost.ts';
import { foldOf, type SlotLayout } from './slot-layout.ts';

/**
 * How the diagonals of a linear step are evaluated: step = baby + giant with baby = step mod `modulus`.
 *
 * - `hoisted`: every diagonal is a rotation of its own in one `rotate-inner`; `modulus` is N/2.
 * - `baby-giant`: sources are rotated by the babies once, one `inner` for each giant, its sum rotated as a whole.
 */
export type Schedule = {
  readonly kind: 'hoisted' | 'baby-giant';
  readonly modulus: number;
  readonly rotations: number;
  readonly products: number;
  /** Rotation keys that this step uses, the fold's included. */
  readonly steps: readonly number[];
  readonly milliseconds: number;
  readonly constantBytes: number;
};

/**
 * What a byte of a bundle is worth: a key or a constant is sent once, but held in memory and read for every frame. 0.1 ms a MB
 * keeps bundles of networks like LeNet-5 near 100 MB and costs a tenth of the time.
 */
export const MILLISECONDS_PER_BYTE = 0.1e-6;

/** Rotations of a ciphertext by several giants may not exceed this many, lest programs grow without bound. */
const MOST_GIANTS = 1024;

/** Chooses the cheaper way and the best split. `extra` products (picture patches) need no rotation. */
export function scheduleDiagonals(
  diagonals: readonly Diagonal[],
  output: SlotLayout,
  level: number,
  cost: OperationCost,
  sources: number,
): Schedule {
  const { slots } = output;
  const fold = foldOf(output);
  // Everything after a relinearization happens a level below: it rescales in the same division.
  const ending = output.ciphertexts * fold.length * cost.keySwitch(level - 1);
  const moving = diagonals.filter(({ step }) => step !== 0);
  const steps = new Set([...moving.map(({ step }) => step), ...fold]);
  const value = (schedule: Schedule): number => schedule.milliseconds + bytesValue(schedule, level, cost);

  let best: Schedule = {
    kind: 'hoisted',
    modulus: slots,
    rotations: moving.length + output.ciphertexts * fold.length,
    products: diagonals.length,
    steps: [...steps],
    milliseconds:
      ending +
      output.ciphertexts * (sources * cost.decompose(level) + cost.divide(level, 1) + cost.keySwitch(level)) +
      moving.length * cost.keyInner(level) +
      diagonals.length * cost.product(level, moving.length > 0),
    constantBytes: diagonals.length * cost.constantBytes(level, moving.length > 0),
  };
  if (moving.length < 4) return best;
  for (const modulus of splits(diagonals, slots)) {
    const babies = new Set<number>();
    const giants = new Set<number>();
    for (const { from, to, step } of diagonals) {
      babies.add(from * slots + (step % modulus));
      giants.add(to * slots + step - (step % modulus));
    }
    if (giants.size > MOST_GIANTS) continue;
    const turning = [...babies].filter((baby) => baby % slots !== 0).length;
    const turned = [...giants].filter((giant) => giant % slots !== 0).length;
    const keys = new Set([...[...babies, ...giants].map((key) => key % slots), ...fold]);
    keys.delete(0);
    const schedule: Schedule = {
      kind: 'baby-giant',
      modulus,
      rotations: turning + turned + output.ciphertexts * fold.length,
      products: diagonals.length,
      steps: [...keys],
      milliseconds:
        ending +
        (turning > 0 ? sources * cost.decompose(level) : 0) +
        turning * cost.hoistedRotation(level) +
        giants.size * cost.keySwitch(level) +
        turned * cost.keySwitch(level - 1) +
        diagonals.length * cost.product(level, false),
      constantBytes: diagonals.length * cost.constantBytes(level, false),
    };
    if (value(schedule) < value(best)) best = schedule;
  }
  return best;
}

/** What the bytes of a schedule are worth, in milliseconds. */
export function bytesValue(schedule: Schedule, level: number, cost: OperationCost): number {
  return MILLISECONDS_PER_BYTE * (schedule.constantBytes + schedule.steps.length * cost.keyBytes(level));
}

/** The least that so many products are worth, whatever the schedule. */
export function productsValue(products: number, level: number, cost: OperationCost): number {
  return products * (cost.product(level, false) + MILLISECONDS_PER_BYTE * cost.constantBytes(level, false));
}

/** Moduli that are worth trying: powers of two, and the smallest differences of steps with their multiples. */
function splits(diagonals: readonly Diagonal[], slots: number): number[] {
  const moduli = new Set<number>();
  for (let modulus = 2; modulus < slots; modulus *= 2) moduli.add(modulus);
  const steps = [...new Set(diagonals.map(({ step }) => step))].sort((a, b) => a - b);
  const counts = new Map<number, number>();
  for (let i = 1; i < steps.length; i++) {
    const difference = steps[i]! - steps[i - 1]!;
    counts.set(difference, (counts.get(difference) ?? 0) + 1);
  }
  const common = [...counts].sort((a, b) => b[1] - a[1]).slice(0, 3);
  for (const [difference] of common) {
    for (let multiple = 1; multiple <= 64; multiple *= 2) {
      const modulus = difference * multiple;
      if (modulus > 1 && modulus < slots) moduli.add(modulus);
    }
  }
  return [...moduli];
}
