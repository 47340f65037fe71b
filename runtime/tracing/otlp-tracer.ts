import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { getCACertificates } from 'node:tls';
import { type HrTime, ROOT_CONTEXT, type Tracer as Teller, TraceFlags, trace } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  AlwaysOnSampler,
  BatchSpanProcessor,
  RandomIdGenerator,
  type SpanExporter,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import { type EnvelopePlace, type TraceName, traceName } from '#protocol/trace-name.ts';
import type { Clock } from '../clock.ts';
import { installedVersion } from '../installed-version.ts';
import type { Logger } from '../log.ts';
import { RareLines } from '../rare-lines.ts';
import { timedAgent } from './timed-agent.ts';
import type { SpanFacts, Stage, Trace, Tracer } from './tracer.ts';

export type OtlpTracerOptions = {
  readonly endpoint: string;
  /** Of all envelopes. */
  readonly share: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Who tells: `gateway` or `backend`, and what is the same in all that it tells. */
  readonly service: { readonly name: 'gateway' | 'backend' } & Readonly<Record<string, string>>;
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly log: Logger;
};

/** Spans that wait to be sent; beyond that they are dropped. */
const QUEUE = 2048;
/** A hundred kilobytes: the way of a gateway may be a slow one. */
const BATCH = 256;
const SEND_AFTER_MS = 2000;
/** At the end all that waits leaves at once, beside what is under way. */
const MOST_REQUESTS = 1 + Math.ceil(QUEUE / BATCH);
/** One request; and how long after the first one it is tried again. */
const REQUEST_MS = 2500;
const CLOSE_MS = 3000;
/** Names are far shorter. */
const LONGEST_TEXT = 64;

/** Tells an OTLP receiver, in batches and in the background. */
export class OtlpTracer implements Tracer {
  readonly #share: number;
  readonly #agent: HttpAgent;
  readonly #provider: TracerProvider;
  readonly #teller: Teller;
  /** Of the root that is being begun: the library asks for its names then. */
  #root: TraceName | null = null;

  constructor({ endpoint, share, headers, service, clock, log }: OtlpTracerOptions) {
    this.#share = share;
    const agent = endpoint.startsWith('https:')
      ? new HttpsAgent({ ca: authorities(), keepAlive: true })
      : new HttpAgent({ keepAlive: true });
    this.#agent = timedAgent(agent, REQUEST_MS);
    const exporter = new OTLPTraceExporter({
      ...{ url: endpoint, headers, timeoutMillis: REQUEST_MS, concurrencyLimit: MOST_REQUESTS },
      httpAgentOptions: () => this.#agent,
    });
    const random = new RandomIdGenerator();
    const { name, ...same } = service;
    this.#provider = new TracerProvider({
      resource: resourceFromAttributes({
        'service.name': `blindsight-${name}`,
        'service.version': installedVersion(),
        ...named(same),
      }),
      // Chosen before, by name. Said here, so that no variable of the environment says otherwise.
      sampler: new AlwaysOnSampler(),
      spanLimits: { attributeValueLengthLimit: LONGEST_TEXT },
      idGenerator: {
        generateTraceId: () => this.#root?.traceId ?? random.generateTraceId(),
        generateSpanId: () => this.#root?.rootId ?? random.generateSpanId(),
      },
      spanProcessors: [
        new BatchSpanProcessor({
          exporter: reporting(exporter, endpoint, clock, log),
          ...{ maxQueueSize: QUEUE, maxExportBatchSize: BATCH },
          ...{ scheduledDelayMillis: SEND_AFTER_MS, exportTimeoutMillis: REQUEST_MS + 1000 },
        }),
      ],
    });
    this.#teller = this.#provider.getTracer('blindsight');
  }

  trace(place: EnvelopePlace): Trace | null {
    const name = traceName(place);
    if (name.point >= this.#share) return null;
    const { traceId, rootId } = name;
    const below = trace.setSpanContext(ROOT_CONTEXT, {
      ...{ traceId, spanId: rootId },
      traceFlags: TraceFlags.SAMPLED,
    });
    return {
      root: (stage, fromMs, toMs, facts) => {
        this.#root = name;
        try {
          this.#tell(ROOT_CONTEXT, stage, fromMs, toMs, facts);
        } finally {
          this.#root = null;
        }
      },
      span: (stage, fromMs, toMs, facts) => this.#tell(below, stage, fromMs, toMs, facts),
    };
  }

  async close(): Promise<void> {
    const late = new AbortController();
    const { signal } = late;
    await Promise.race([
      this.#provider.shutdown().catch(() => {}),
      sleep(CLOSE_MS, undefined, { signal }).catch(() => {}),
    ]);
    late.abort();
    // What is still under way would keep the process.
    this.#agent.destroy();
  }

  #tell(
    context: typeof ROOT_CONTEXT,
    stage: Stage,
    fromMs: number,
    toMs: number,
    facts: SpanFacts = {},
  ): void {
    this.#teller
      .startSpan(stage, { startTime: timeOf(fromMs), attributes: named(facts) }, context)
      // A clock that was set back in between.
      .end(timeOf(Math.max(fromMs, toMs)));
  }
}

function named(facts: Readonly<Record<string, string | number>>): Record<string, string | number> {
  return Object.fromEntries(Object.entries(facts).map(([name, fact]) => [`blindsight.${name}`, fact]));
}

/** Not as a number, which the library takes for the time since the start of the process where it is small: a gateway's clock may never have been set. */
function timeOf(ms: number): HrTime {
  const seconds = Math.floor(ms / 1000);
  return [seconds, Math.floor((ms - seconds * 1000) * 1e6)];
}

/** Those of Node.js, which come with it, and those of the machine. */
function authorities(): string[] {
  return [...new Set([...getCACertificates('default'), ...getCACertificates('system')])];
}

/** Says now and then why nothing arrives. */
function reporting(
  exporter: SpanExporter,
  endpoint: string,
  clock: Pick<Clock, 'monotonic'>,
  log: Logger,
): SpanExporter {
  const rare = new RareLines(clock);
  return {
    export: (spans, done) =>
      exporter.export(spans, (result) => {
        if (result.error !== undefined) {
          const batches = rare.take('');
          if (batches > 0)
            log.warn(
              { code: 'TRACING_UNAVAILABLE', endpoint, batches, reason: result.error.message },
              'traces were lost: the collector did not take them',
            );
        }
        done(result);
      }),
    shutdown: () => exporter.shutdown(),
  };
}
