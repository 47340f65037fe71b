import type { Address, Arena } from '../memory/arena.ts';

/** Operation numbers of fhe/kernel/assembly/tape.ts; arguments are documented at the functions of the same name. */
export const Op = {
  forward: 1,
  inverseAdd: 2,
  add: 3,
  scale: 4,
  multiply: 5,
  tensor: 6,
  square: 7,
  keyInner: 8,
  keyInnerPermuted: 9,
  permute: 10,
  addScaled: 11,
  mixedRadix: 12,
  convertForward: 13,
  divide: 14,
  sampleTernary: 15,
  sampleError: 16,
  forwardSmall: 17,
  encryptTop: 18,
  encryptLimb: 19,
  encode: 20,
  clear: 21,
  copy: 22,
  rotateInner: 23,
  permuteSum: 24,
  foldInner: 25,
  splitDigits: 26,
  shrink: 27,
  innerPlain: 28,
  rotateInnerPlain: 29,
} as const;
export type Op = (typeof Op)[keyof typeof Op];

/** Tasks that others wait for as a group. All of them come on the tape before the first that waits. */
export type Group = { readonly slot: number; count: number; last: number };

/** A counter outside of the tape, which somebody else raises, and the value to wait for. */
export type Outside = { readonly address: Address; readonly value: number };

/** When a task may start, and its group. */
export type TaskOrder = {
  readonly after?: readonly (Group | null)[];
  /** Beside at most one group. */
  readonly outside?: Outside | null;
  readonly group?: Group;
};

const TASK_WORDS = 20;
const MAX_ARGUMENTS = 14;
/** Bytes between counters: a cache line each. */
const COUNTER_BYTES = 64;
/** Where the control block counts finished tasks. */
const DONE_OFFSET = 64;

/** Where a group counts its finished tasks while the tape runs. */
export function counterOf({ counters }: Pick<RecordedTape, 'counters'>, group: Group): Address {
  return counters + group.slot * COUNTER_BYTES;
}

/** A finished tape in wasm memory. */
export type RecordedTape = {
  readonly address: Address;
  readonly count: number;
  /** Counters that must be zero before a run. */
  readonly counters: Address;
  readonly counterWords: number;
};

/**
 * Records tasks for the threads of the kernel. A task waits for at most two groups; {@link barrier} makes all later tasks wait for all
 * earlier ones.
 */
export class TapeRecorder {
  readonly #arena: Arena;
  readonly #control: Address;
  readonly #tasks: {
    op: Op;
    args: readonly number[];
    waits: readonly (Wait | Outside)[];
    group: number;
  }[] = [];
  #groups = 0;
  #barrier = 0;

  /** @param control the control block that the tape will run under. */
  constructor(arena: Arena, control: Address) {
    this.#arena = arena;
    this.#control = control;
  }

  /** Tasks so far. */
  get length(): number {
    return this.#tasks.length;
  }

  group(): Group {
    return { slot: this.#groups++, count: 0, last: -1 };
  }

  barrier(): void {
    this.#barrier = this.#tasks.length;
  }

  task(op: Op, args: readonly number[], { after = [], outside, group }: TaskOrder = {}): void {
    if (args.length > MAX_ARGUMENTS) throw new RangeError(`operation ${op} with ${args.length} arguments`);
    // The barrier covers groups that ended before it; the others waited for it themselves.
    const waits: (Wait | Outside)[] = after
      .filter((g): g is Group => g !== null && g.last >= this.#barrier)
      .map((g) => ({ slot: g.slot, value: g.count }));
    if (waits.length === 0 && this.#barrier > 0) waits.push({ slot: -1, value: this.#barrier });
    if (outside) waits.push(outside);
    if (waits.length > 2) throw new RangeError(`operation ${op} waits for ${waits.length} groups`);
    this.#tasks.push({ op, args, waits, group: group?.slot ?? -1 });
    if (group !== undefined) {
      group.count++;
      group.last = this.#tasks.length - 1;
    }
  }

  /** Writes the tape to wasm memory. */
  finish(): RecordedTape {
    const counterWords = (this.#groups * COUNTER_BYTES) / 4;
    const counters = this.#arena.allocate(Math.max(COUNTER_BYTES, this.#groups * COUNTER_BYTES));
    const address = (slot: number): Address =>
      slot < 0 ? this.#control + DONE_OFFSET : counters + slot * COUNTER_BYTES;
    const words = new Uint32Array(Math.max(1, this.#tasks.length) * TASK_WORDS);
    this.#tasks.forEach(({ op, args, waits, group }, index) => {
      const at = index * TASK_WORDS;
      words[at] = op;
      words[at + 1] = group < 0 ? 0 : address(group);
      waits.forEach((wait, i) => {
        words[at + 2 + 2 * i] = 'slot' in wait ? address(wait.slot) : wait.address;
        words[at + 3 + 2 * i] = wait.value;
      });
      words.set(args, at + 6);
    });
    return { address: this.#arena.place(words), count: this.#tasks.length, counters, counterWords };
  }
}

type Wait = { readonly slot: number; readonly value: number };
