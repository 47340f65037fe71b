/** One line of what `blindsight attack` shows. */
export type AttackRow = {
  readonly attack: string;
  readonly sentence: string;
  readonly network: string;
  /** How much of answers the owner lets out. */
  readonly policy: string;
  /** Of answers that are audited; 0 for none. */
  readonly share: number;
  /** What the liar says when he is asked to open an answer; null where nobody asks. */
  readonly excuse: string | null;
  readonly answersUsed: number;
  readonly recovered: number;
  readonly of: number;
  readonly noun: string;
  readonly opens?: { readonly recovered: number; readonly of: number; readonly noun: string };
  /** How many answers were decrypted before the gateway came into quarantine; null if it did not. */
  readonly caughtAfter: number | null;
  readonly seconds: number;
};
