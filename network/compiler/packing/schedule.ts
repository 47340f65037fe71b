import type { OperationCost } from '#fhe/design';
import type { Diagonal } from './diagonals.ts';
import { foldOf, type SlotLayout } from './slot-layout.ts';

/**
 * How to evaluate the diagonals of a linear step: step = baby + giant with baby = step mod `modulus`.
 *
 * - `hoisted`: every diagonal is a separate rotation in one `rotate-inner`; `modulus` is N/2.
 * - `baby-giant`: sources are rotated by the baby steps once; one `inner` for each giant step, whose sum is rotated once.
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
 * The price of a byte in a bundle: a key or constant is sent once, but held in memory and read for every frame. 0.1 ms a MB
 * keeps bundles of networks like LeNet-5 near 100 MB and costs a tenth of the time.
 */
export const MILLISECONDS_PER_BYTE = 0.1e-6;

/** Maximum number of rotations by giant steps, so that programs do not grow without bound. */
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
  // Everything after a relinearization happens one level lower: it rescales in the same division.
  const ending = output.ciphertexts * cost.fold(level - 1, fold.length);
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
      output.ciphertexts * (sources * cost.decompose(level) + cost.relinearizeTimesP(level)) +
      moving.length * cost.keyInner(level) +
      diagonals.length * cost.product(level, moving.length > 0),
    constantBytes: diagonals.length * cost.constantBytes(level, moving.length > 0),
  };
  if (moving.length < 4) return best;
  const counter = new SplitCounter(diagonals, slots, sources, output.ciphertexts);
  const rotation = cost.hoistedRotation(level);
  // Giant steps are summed before they are divided, but for the answer's: those are rescaled last of all.
  const giant = level === 1 ? cost.relinearizeRescale(level) : cost.addRotated(level, false);
  const turn = level === 1 ? cost.keySwitch(level - 1) : cost.addRotated(level, true) - giant;
  const common =
    ending +
    (level === 1 ? 0 : output.ciphertexts * cost.finishRotated(level)) +
    (sources > 0 ? sources * cost.decompose(level) : 0) +
    diagonals.length * cost.product(level, false);
  const constantBytes = diagonals.length * cost.constantBytes(level, false);
  for (const modulus of splits(diagonals, slots)) {
    const { turning, giants, turned } = counter.count(modulus);
    if (giants > MOST_GIANTS) continue;
    const milliseconds = common + turning * rotation + giants * giant + turned * turn;
    // Keys have a price, too: even without them a split may be too expensive.
    if (milliseconds + MILLISECONDS_PER_BYTE * constantBytes >= value(best)) continue;
    const schedule: Schedule = {
      kind: 'baby-giant',
      modulus,
      rotations: turning + turned + output.ciphertexts * fold.length,
      products: diagonals.length,
      steps: counter.keys(modulus, fold),
      milliseconds,
      constantBytes,
    };
    if (value(schedule) < value(best)) best = schedule;
  }
  return best;
}

/** Counts the rotations of splits of the same diagonals. */
class SplitCounter {
  readonly #diagonals: readonly Diagonal[];
  readonly #slots: number;
  /** The last modulus at which a baby step, or a giant step, occurred. */
  readonly #babies: Int32Array;
  readonly #giants: Int32Array;

  constructor(diagonals: readonly Diagonal[], slots: number, sources: number, ciphertexts: number) {
    this.#diagonals = diagonals;
    this.#slots = slots;
    this.#babies = new Int32Array(sources * slots);
    this.#giants = new Int32Array(ciphertexts * slots);
  }

  /** Baby and giant steps that rotate, and all giant steps. */
  count(modulus: number): { readonly turning: number; readonly giants: number; readonly turned: number } {
    const slots = this.#slots;
    let turning = 0;
    let giants = 0;
    let turned = 0;
    for (const { from, to, step } of this.#diagonals) {
      const baby = step % modulus;
      const babyAt = from * slots + baby;
      if (this.#babies[babyAt] !== modulus) {
        this.#babies[babyAt] = modulus;
        if (baby !== 0) turning++;
      }
      const giantAt = to * slots + step - baby;
      if (this.#giants[giantAt] !== modulus) {
        this.#giants[giantAt] = modulus;
        giants++;
        if (step !== baby) turned++;
      }
    }
    return { turning, giants, turned };
  }

  /** Steps that need keys, those of the fold included. */
  keys(modulus: number, fold: readonly number[]): number[] {
    const keys = new Set(fold);
    for (const { step } of this.#diagonals) {
      const baby = step % modulus;
      keys.add(baby);
      keys.add(step - baby);
    }
    keys.delete(0);
    return [...keys];
  }
}

/** The price of a schedule's bytes, in milliseconds. */
export function bytesValue(schedule: Schedule, level: number, cost: OperationCost): number {
  return MILLISECONDS_PER_BYTE * (schedule.constantBytes + schedule.steps.length * cost.keyBytes(level));
}

/** Lower bound of the cost of so many products, whatever the schedule. */
export function productsValue(products: number, level: number, cost: OperationCost): number {
  return products * (cost.product(level, false) + MILLISECONDS_PER_BYTE * cost.constantBytes(level, false));
}

/** Moduli worth trying: powers of two, and the smallest differences of steps with their multiples. */
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
