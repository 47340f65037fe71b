export type EventSettings = {
  /** How long something must be there, or be gone, before it counts. */
  readonly beginSeconds: number;
  readonly endSeconds: number;
  /** Without an answer for so long, it is not known any more what is there. */
  readonly silenceSeconds: number;
  /** How long events are kept. */
  readonly days: number;
};
