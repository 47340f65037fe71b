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
  readonly needs?: 'disks' | 'sqlite' | 'postgresql';
  /** What a process says that this may end; left out where it may end none but those that it kills. */
  readonly mayEnd?: RegExp;
  /** Does it, and undoes it before it resolves; no later than the signal says. */
  readonly strike: (world: World, moment: Moment, signal: AbortSignal) => Promise<void>;
};

/** `gateway` stands for each of them. */
export type Target = 'broker' | 'backend' | 'gateway' | 'site';

/** Draws what of a kind happens. @param gateways their names */
export function drawMoment(kind: Kind, atMs: number, gateways: readonly string[], dice: Dice): Moment {
  const target = dice.pick(kind.targets);
  const [least, most] = kind.lasts;
  return {
    ...{ kind: kind.name, atMs },
    target: target === 'gateway' ? dice.pick(gateways) : target,
    ms: least + dice.below(most - least + 1),
    amount: dice.below(1e6) / 1e6,
  };
}
