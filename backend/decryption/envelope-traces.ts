import { envelopePlace } from '#protocol/envelope-place.ts';
import type { Clock } from '#runtime/clock.ts';
import { MinuteBudget } from '#runtime/minute-budget.ts';
import type { Trace, Tracer } from '#runtime/tracing/tracer.ts';
import type { Arrival } from '../store/inbox.ts';

export type EnvelopeTracesOptions = {
  readonly tracer: Tracer;
  readonly site: string;
  readonly clock: Pick<Clock, 'now' | 'monotonic'>;
};

/** When a batch of envelopes was where, on the wall clock. */
export type BatchTimes = {
  readonly lookMs: number;
  readonly lookedMs: number;
  /** When it was its turn to be decrypted. */
  readonly turnMs: number;
  readonly decryptedMs: number;
};

/** Of one gateway, by either method: who chooses his numbers so that all of them are traced takes no room from others. */
const MOST_A_MINUTE = 2400;

/**
 * Tells of some envelopes when they were where in the backend. The times are those of the batch that an envelope was in, and every envelope has the same spans, whatever
 * became of it: no trace says whether an answer was given out, withheld or refused. For the same reason nothing is told of when a result is published: only some are.
 */
export class EnvelopeTraces {
  readonly #options: EnvelopeTracesOptions;
  readonly #budget: MinuteBudget;

  constructor(options: EnvelopeTracesOptions) {
    this.#options = options;
    this.#budget = new MinuteBudget(options.clock, MOST_A_MINUTE);
  }

  /** Envelopes are durable. */
  kept(arrivals: readonly Arrival[]): void {
    const nowMs = this.#options.clock.now();
    for (const arrival of arrivals)
      this.#trace(arrival)?.span('receive', arrival.receivedMs, nowMs, {
        ...{ gateway: arrival.gateway, bytes: arrival.envelope.length },
      });
  }

  /** Envelopes of a batch have left the inbox. */
  settled(items: readonly Arrival[], { lookMs, lookedMs, turnMs, decryptedMs }: BatchTimes): void {
    const nowMs = this.#options.clock.now();
    for (const item of items) {
      const trace = this.#trace(item);
      if (trace === null) continue;
      const facts = { gateway: item.gateway };
      trace.span('wait', item.receivedMs, lookMs, facts);
      trace.span('check', lookMs, lookedMs, facts);
      trace.span('decrypt', turnMs, decryptedMs, facts);
      trace.span('settle', decryptedMs, nowMs, facts);
    }
  }

  #trace({ gateway, envelope }: Arrival): Trace | null {
    const { tracer, site } = this.#options;
    const place = envelopePlace(envelope);
    const trace = place && tracer.trace({ site, gateway, ...place });
    return trace && this.#budget.take(gateway) ? trace : null;
  }
}
