import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fastifyStatic from '@fastify/static';
import { type FastifyInstance, fastify } from 'fastify';
import type { SiteState } from '#protocol/api.ts';
import { BlindsightError, type ErrorCode } from '#protocol/errors.ts';
import { NAME_PATTERN } from '#protocol/topics.ts';
import type { Clock } from '#runtime/clock.ts';
import type { Logger } from '#runtime/log.ts';
import type { Site } from '../site.ts';
import { isStoreTrouble } from '../store/store-trouble.ts';
import { addConfigurationRoutes } from './configuration-routes.ts';
import type { EventHub } from './event-hub.ts';
import { readHistory } from './history.ts';
import { createMetrics } from './metrics.ts';
import { secure } from './security.ts';

/** Where the build of the cockpit puts the page. */
const PAGE_DIRECTORY = join(dirname(fileURLToPath(import.meta.url)), '../../cockpit/dist');

const NOT_BUILT = `<!doctype html><meta charset="utf-8"><title>Blindsight</title>
<p>The page is not built. Run <code>node cockpit/build.mjs</code>. The API is at
<a href="/api/state">/api/state</a>.</p>`;

export type ApiOptions = {
  readonly site: Pick<Site, 'name' | 'store' | 'vault'>;
  readonly snapshot: () => Promise<SiteState>;
  /** Whether decryption has been stuck for long although work is waiting. */
  readonly isStuck: () => boolean;
  /** Why the store cannot be used now. */
  readonly trouble?: () => SiteState['trouble'] | null;
  readonly broker: () => SiteState['broker'];
  readonly hub: EventHub;
  readonly clock: Clock;
  readonly log: Logger;
  readonly host: string;
  readonly port: number;
  readonly token: string | null;
  /** Folder of the built page; by default that of the repository. */
  readonly pageDirectory?: string;
};

const MAX_MINUTES = 30 * 24 * 60;
const integer = (minimum: number, maximum: number, byDefault: number) => ({
  type: 'integer',
  minimum,
  maximum,
  default: byDefault,
});

function addRoutes(server: FastifyInstance, options: ApiOptions): void {
  const { site, snapshot, isStuck, trouble = () => null, hub, clock } = options;
  const { store } = site;
  server.get('/healthz', async (_request, reply) => {
    // Reads the store: if its disk does not answer, this fails and the watchdog is not fed.
    const waiting = await store.inbox.count().catch((error: unknown) => {
      if (isStoreTrouble(error)) return null;
      throw error;
    });
    const { connected, detail } = options.broker();
    // Served without a token: whoever lacks a required one learns no paths and addresses.
    const broker = options.token === null ? { connected, detail } : { connected };
    const { code, message } = trouble() ?? {};
    if (code !== undefined && !isStuck()) {
      return reply.code(503).send({ status: 'troubled', code, reason: message, waiting, broker });
    }
    if (waiting === null) return reply.code(503).send({ status: 'troubled', waiting, broker });
    return isStuck()
      ? reply.code(503).send({ status: 'stuck', waiting, broker })
      : { status: 'ok', waiting, broker };
  });
  server.get('/api/state', () => snapshot());
  server.get<{ Params: { camera: string }; Querystring: { minutes: number; region?: string } }>(
    '/api/cameras/:camera/history',
    {
      schema: {
        params: { type: 'object', properties: { camera: { type: 'string', pattern: NAME_PATTERN.source } } },
        querystring: {
          type: 'object',
          properties: {
            minutes: integer(1, MAX_MINUTES, 60),
            region: { type: 'string', pattern: NAME_PATTERN.source },
          },
        },
      },
    },
    async ({ params, query: { minutes, region } }, reply) => {
      const left = new AbortController();
      // On the response: a connection outlives it and would keep a listener for each of its requests.
      reply.raw.once('close', () => left.abort());
      const untilMs = clock.now();
      return readHistory(store.results, {
        camera: params.camera,
        ...(region !== undefined && { region }),
        sinceMs: untilMs - minutes * 60_000,
        untilMs,
        signal: left.signal,
      });
    },
  );
  server.get<{ Querystring: { limit: number } }>(
    '/api/journal',
    { schema: { querystring: { type: 'object', properties: { limit: integer(1, 1000, 100) } } } },
    (request) => store.journal.latest(request.query.limit),
  );
  server.get('/api/events', async (_request, reply) => {
    if (hub.isFull) {
      return reply.code(503).send({
        error: { code: 'API_READERS_FULL' satisfies ErrorCode, message: 'too many pages are open' },
      });
    }
    reply.hijack();
    // Hijacked replies do not get the headers set by the security hook.
    for (const [name, value] of Object.entries(reply.getHeaders())) {
      if (value !== undefined) reply.raw.setHeader(name, value);
    }
    await hub.add(reply.raw);
  });
  const metrics = createMetrics({ store, snapshot, trouble });
  server.get('/metrics', async (_request, reply) => {
    reply.type(metrics.contentType);
    return metrics.metrics();
  });
}

/**
 * Serves the JSON API, live events, metrics and the cockpit page.
 *
 * @returns the listening server and its port.
 * @throws BlindsightError API_PORT_TAKEN.
 */
export async function startApi(
  options: ApiOptions,
): Promise<{ readonly port: number; close(): Promise<void> }> {
  const { host, port, token, log, hub, pageDirectory = PAGE_DIRECTORY } = options;
  const server = fastify({ bodyLimit: 4096, forceCloseConnections: true, logger: false });
  server.setErrorHandler((error: Error & { statusCode?: number }, _request, reply) => {
    const status = error.statusCode ?? 500;
    if (status >= 500) log.error({ err: error }, 'a request failed');
    const message = status >= 500 ? 'the backend could not answer' : error.message;
    const code: ErrorCode =
      error instanceof BlindsightError
        ? error.code
        : status >= 500
          ? 'API_REQUEST_FAILED'
          : 'API_REQUEST_INVALID';
    return reply.code(status).send({ error: { code, message } });
  });
  secure(server, token);
  addRoutes(server, options);
  addConfigurationRoutes(server, options.site);
  if (existsSync(join(pageDirectory, 'index.html'))) {
    await server.register(fastifyStatic, { root: pageDirectory, dotfiles: 'deny' });
  } else {
    server.get('/', async (_request, reply) => reply.type('text/html; charset=utf-8').send(NOT_BUILT));
  }
  try {
    await server.listen({ host, port });
  } catch (cause) {
    await server.close();
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new BlindsightError('API_PORT_TAKEN', `cannot serve on ${host}:${port}: ${reason}`, { cause });
  }
  const address = server.server.address();
  return {
    port: address !== null && typeof address === 'object' ? address.port : port,
    async close() {
      hub.close();
      await server.close();
    },
  };
}
