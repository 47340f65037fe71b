import type { Account } from './account.ts';

/** What a chaos run came to. */
export type ChaosReport = Account & {
  readonly machine: string;
  readonly commit: string;
  /** With it, the same faults are drawn again. */
  readonly seed: number;
  readonly seconds: number;
  readonly gateways: number;
  readonly rate: number;
  readonly store: string;
  readonly broker: string;
  readonly everyMs: number;
  /** How many of each kind of fault. */
  readonly moments: Readonly<Record<string, number>>;
  /** Kinds that this machine or this site cannot have. */
  readonly impossible: readonly string[];
  /** Processes that ended although nobody ended them; those that no fault explains are wrong, too. */
  readonly surprises: readonly string[];
  /** From the end of the last fault until nothing waited any more. */
  readonly healSeconds: number;
  /** Nothing lost, nothing twice, nothing wrong. */
  readonly isWell: boolean;
  /** Logs and ledgers, where something is to be found in them. */
  readonly folder: string | null;
};
