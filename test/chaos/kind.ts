import type { Dice } from '../fuzz/dice.ts';
import type { World } from './world.ts';

/** One fault at one moment, as it was drawn. */
export type Moment = {
  readonly kind: string;
  /** Since the first could begin. */
  readonly atMs: number;
  /** A process, link or disk. */
  readonly target: string;
  /** How long it lasts, where it lasts. */
  readonly ms: number;
  /** How much of it, from 0 to 1. */
  readonly amount: number;
};

/** A kind of fault. */
export type Kind = {
  readonly name: string;
  /** What it does, for people. */
  readonly what: string;
  readonly targets: readonly Target[];
  /** Shortest and longest, ms. */
  readonly lasts: readonly [number, number];
  /** What is needed for it, which not every run has. */
  readonly needs?: 'disks' | 'sqlite' | 'postgresql' | 'nats' | 'jetstream';
  /** Only a broker of ours can be hurt so: NATS is passed over. */
  readonly broker?: 'ours';
  /** What a process says that this may end, or the signal where it said nothing; left out where it may end none but those that it kills. */
  readonly mayEnd?: RegExp;
  /** Does it, and undoes it before it resolves; no later than the signal says. */
  readonly strike: (world: World, moment: Moment, signal: AbortSignal) => Promise<void>;
};

/** Each stands for all that there are of it; `link` for those of the backend. */
export type Target = 'broker' | 'backend' | 'decryptor' | 'gateway' | 'link' | 'site';
/** Names of what there is. */
export type Targets = Readonly<Record<Target, readonly string[]>>;

/** Draws what of a kind happens. */
export function drawMoment(kind: Kind, atMs: number, all: Targets, dice: Dice): Moment {
  const names = all[dice.pick(kind.targets)];
  const [least, most] = kind.lasts;
  return {
    ...{ kind: kind.name, atMs },
    target: names.length === 1 ? names[0]! : dice.pick(names),
    ms: least + dice.below(most - least + 1),
    amount: dice.below(1e6) / 1e6,
  };
}
