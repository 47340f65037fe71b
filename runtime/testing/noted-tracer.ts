import type { EnvelopePlace } from '#protocol/trace-name.ts';
import type { SpanFacts, Stage, Trace, Tracer } from '../tracing/tracer.ts';

export type NotedSpan = {
  readonly stage: Stage;
  readonly isRoot: boolean;
  readonly fromMs: number;
  readonly toMs: number;
  readonly facts: SpanFacts;
};

/** Notes what is told of each place, and tells nobody. */
export class NotedTracer implements Tracer {
  readonly #spans = new Map<string, NotedSpan[]>();
  /** Those that are traced. */
  isTraced: (place: EnvelopePlace) => boolean = () => true;

  trace(place: EnvelopePlace): Trace | null {
    if (!this.isTraced(place)) return null;
    const note =
      (isRoot: boolean): Trace['span'] =>
      (stage, fromMs, toMs, facts = {}) =>
        this.of(place).push({ stage, isRoot, fromMs, toMs, facts });
    return { root: note(true), span: note(false) };
  }

  /** In the order in which it was told. */
  of({ site, gateway, session, sequence }: EnvelopePlace): NotedSpan[] {
    const key = [site, gateway, session, sequence].join(' ');
    const spans = this.#spans.get(key) ?? [];
    this.#spans.set(key, spans);
    return spans;
  }

  get places(): readonly string[] {
    return [...this.#spans.keys()];
  }

  async close(): Promise<void> {}
}
