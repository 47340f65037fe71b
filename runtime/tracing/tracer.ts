import type { EnvelopePlace } from '#protocol/trace-name.ts';

/** What a span may be about. */
export type Stage =
  /** On the gateway. */
  | 'answer'
  | 'capture'
  | 'prepare'
  | 'encrypt'
  | 'evaluate'
  | 'gather'
  | 'outbox'
  | 'publish'
  /** In the backend. */
  | 'receive'
  | 'wait'
  | 'check'
  | 'decrypt'
  | 'settle';

/** All that a span says beside its times. Whoever adds to it: nothing that depends on what a picture shows or an answer says. */
export type SpanFacts = {
  readonly gateway?: string;
  readonly camera?: string;
  readonly network?: string;
  readonly bytes?: number;
};

/** What is told about one envelope. Times are in milliseconds since the epoch. */
export type Trace = {
  /** The span that all others belong to. */
  root(stage: Stage, fromMs: number, toMs: number, facts?: SpanFacts): void;
  span(stage: Stage, fromMs: number, toMs: number, facts?: SpanFacts): void;
};

/** Where times are told to. None of it waits, throws or grows without a bound. */
export type Tracer = {
  /** @returns null where the envelope is not one of those that are traced */
  trace(place: EnvelopePlace): Trace | null;
  /** Tells what is left, within a few seconds, and ends. */
  close(): Promise<void>;
};
