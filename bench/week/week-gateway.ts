/** What a gateway of a simulated week reads from its folder. */
export type WeekGateway = {
  /** Digest of the release that its answers name. */
  readonly bundle: string;
  /** From one answer to the next, in simulated milliseconds. */
  readonly everyMs: number;
  /** Of one of the two files of its log. */
  readonly logBytes: number;
};

/** What it says of itself now and then. */
export type WeekStatus = {
  /** Answers that its outbox promised to keep. */
  readonly made: number;
  readonly waiting: number;
  readonly dropped: number;
  readonly isMaking: boolean;
  /** How many it has shown, one after the other. */
  readonly certificates: number;
};
