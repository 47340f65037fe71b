import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export type ToldSpan = {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId: string;
  readonly name: string;
  /** Milliseconds since the epoch. */
  readonly fromMs: number;
  readonly toMs: number;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly resource: Readonly<Record<string, unknown>>;
};

type Attributes = readonly { key: string; value: Record<string, unknown> }[];
type Body = {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: Attributes };
    readonly scopeSpans: readonly {
      readonly spans: readonly (Record<'traceId' | 'spanId' | 'parentSpanId' | 'name', string> & {
        readonly startTimeUnixNano: string;
        readonly endTimeUnixNano: string;
        readonly attributes: Attributes;
      })[];
    }[];
  }[];
};

/** Takes traces as a collector does, OTLP over HTTP as JSON, and shows them. */
export class OtlpReceiver {
  /** Everything that was said, as it came. */
  readonly bodies: string[] = [];
  readonly headers: IncomingHttpHeaders[] = [];
  readonly spans: ToldSpan[] = [];
  /** What requests are answered with; 0: nothing, for ever. */
  status = 200;
  /** Whether what is answered then never ends: a byte now and then. */
  isDribbling = false;
  /** Requests whose connection ended before their answer did. */
  cut = 0;
  readonly #server: Server;

  private constructor() {
    this.#server = createServer(async (request, response) => {
      const parts: Buffer[] = [];
      try {
        for await (const part of request) parts.push(part as Buffer);
      } catch {
        // Whoever sent it was killed meanwhile, or this receiver closes.
        return;
      }
      this.headers.push(request.headers);
      response.on('close', () => {
        if (!response.writableFinished) this.cut += 1;
      });
      if (this.status === 0) return;
      if (this.isDribbling) {
        response.writeHead(this.status, { 'content-type': 'application/json' });
        const dribble = setInterval(() => response.write(' '), 250);
        response.on('close', () => clearInterval(dribble));
        return;
      }
      if (this.status === 200) this.#take(Buffer.concat(parts).toString('utf8'));
      response.writeHead(this.status, { 'content-type': 'application/json' }).end('{}');
    });
  }

  static async start(): Promise<OtlpReceiver> {
    const receiver = new OtlpReceiver();
    receiver.#server.listen(0, '127.0.0.1');
    await once(receiver.#server, 'listening');
    return receiver;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1/traces`;
  }

  /** Spans of each trace. */
  get traces(): ReadonlyMap<string, readonly ToldSpan[]> {
    return Map.groupBy(this.spans, ({ traceId }) => traceId);
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  #take(body: string): void {
    this.bodies.push(body);
    for (const { resource, scopeSpans } of (JSON.parse(body) as Body).resourceSpans)
      for (const span of scopeSpans.flatMap(({ spans }) => spans))
        this.spans.push({
          ...{ traceId: span.traceId, spanId: span.spanId, parentId: span.parentSpanId ?? '' },
          name: span.name,
          fromMs: millisecondsOf(span.startTimeUnixNano),
          toMs: millisecondsOf(span.endTimeUnixNano),
          attributes: plain(span.attributes),
          resource: plain(resource.attributes),
        });
  }
}

const millisecondsOf = (nanoseconds: string): number => Number(BigInt(nanoseconds) / 1000n) / 1000;

const plain = (attributes: Attributes): Record<string, unknown> =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
