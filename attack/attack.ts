import type { Policy } from './policy.ts';
import type { SiteUnderAttack } from './site-under-attack.ts';

/** What came of an attack. */
export type AttackOutcome = {
  /** Published answers that it took. */
  readonly answersUsed: number;
  /** Of what the owner keeps secret, how much the liar has right. */
  readonly recovered: number;
  readonly of: number;
  /** What that counts. */
  readonly noun: string;
  /** What can be read with it, without any further answer. */
  readonly opens?: { readonly recovered: number; readonly of: number; readonly noun: string };
};

export type AttackRun = {
  readonly site: SiteUnderAttack;
  readonly policy: Policy;
  /** Share of the attack to carry out: 1 for all of it. */
  readonly size: number;
  readonly onProgress: (share: number) => void;
  readonly signal?: AbortSignal;
};

/** Something that a liar with a gateway does who also reads what is published. */
export type Attack = {
  readonly name: string;
  /** What it does, for a person. */
  readonly sentence: string;
  /** Whether it gains by being carried out again and again. */
  readonly goesOn: boolean;
  run(run: AttackRun): Promise<AttackOutcome>;
};
