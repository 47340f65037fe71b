import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import type { AgentConfig } from '#config/schema.ts';
import type { Clock } from '#runtime/clock.ts';
import type { Logger } from '#runtime/log.ts';
import { isOwnHost } from '#runtime/own-host.ts';
import type { AgentMetrics } from './agent-metrics.ts';
import { findProblems } from './find-problems.ts';

export type MetricsServerOptions = {
  readonly metrics: AgentMetrics;
  readonly clock: Clock;
  readonly log: Logger;
};

type Settings = AgentConfig['metrics'];

const RETRY_MS = 30_000;
/** A client that does not read its answer, or sends half a request, is cut off. */
const TIMEOUT_MS = 5_000;
const MAX_CONNECTIONS = 8;

/**
 * Serves `/healthz` and `/metrics` on the loopback interface only, to whoever is on the machine: there is nothing secret in them. A port that is taken
 * is told once, tried again, and keeps nothing from working.
 */
export class MetricsServer {
  readonly #options: MetricsServerOptions;
  #settings: Settings | null = null;
  #server: Server | null = null;
  #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(options: MetricsServerOptions) {
    this.#options = options;
  }

  /** The port that it listens on; null while it does not. */
  get port(): number | null {
    return this.#server?.listening === true ? (this.#server.address() as AddressInfo).port : null;
  }

  /** Takes settings up; those that it has already change nothing. */
  async apply(settings: Settings): Promise<void> {
    if (isDeepStrictEqual(settings, this.#settings)) return;
    await this.close();
    this.#settings = settings;
    if (!settings.enabled) return;
    this.#stop = new AbortController();
    let tried = () => {};
    const first = new Promise<void>((resolve) => {
      tried = resolve;
    });
    this.#running = this.#run(settings.port, this.#stop.signal, tried);
    await first;
  }

  /** Stops, and lets go of the port. */
  async close(): Promise<void> {
    this.#stop.abort();
    this.#settings = null;
    await this.#running;
  }

  async #run(port: number, signal: AbortSignal, tried: () => void): Promise<void> {
    const { clock, log } = this.#options;
    let isTold = false;
    while (!signal.aborted) {
      try {
        await this.#listen(port);
        log.info(`metrics and health at http://127.0.0.1:${this.port}/metrics and /healthz`);
        tried();
        if (!signal.aborted) await once(signal, 'abort');
      } catch (error) {
        if (!isTold)
          log.warn({ err: error }, `metrics cannot be served on port ${port}; everything else goes on`);
        isTold = true;
        tried();
        await clock.sleep(RETRY_MS, signal).catch(() => {});
      } finally {
        await this.#end();
      }
    }
  }

  async #listen(port: number): Promise<void> {
    const server = createServer((request, response) => void this.#serve(request, response));
    server.maxConnections = MAX_CONNECTIONS;
    server.requestTimeout = TIMEOUT_MS;
    server.setTimeout(TIMEOUT_MS);
    this.#server = server;
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    // A gateway that is about to end is not kept from it.
    server.unref();
  }

  async #end(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    if (server?.listening !== true) return;
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { metrics, log } = this.#options;
    const say = (status: number, type: string, body: string) => {
      response.writeHead(status, {
        'Content-Type': type,
        'Cache-Control': 'no-store',
        'X-Content-Type-Options': 'nosniff',
      });
      response.end(request.method === 'HEAD' ? undefined : body);
    };
    const refuse = (status: number, text: string) => say(status, 'text/plain', `${text}\n`);
    if (!isOwnHost(request.headers.host)) return refuse(403, 'ask for localhost or 127.0.0.1');
    if (request.method !== 'GET' && request.method !== 'HEAD') return refuse(405, 'GET only');
    try {
      if (request.url === '/healthz') {
        const snapshot = metrics.snapshot();
        const { version } = snapshot;
        const reasons = findProblems(snapshot);
        const status = reasons.length === 0 ? 'ok' : 'troubled';
        say(
          reasons.length === 0 ? 200 : 503,
          'application/json',
          `${JSON.stringify({ status, version, reasons })}\n`,
        );
      } else if (request.url === '/metrics') say(200, metrics.contentType, await metrics.text());
      else refuse(404, 'there is /healthz and /metrics');
    } catch (error) {
      log.warn({ err: error }, 'metrics could not be told');
      refuse(500, 'metrics could not be told');
    }
  }
}
