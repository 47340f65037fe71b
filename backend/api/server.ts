import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fastifyStatic from '@fastify/static';
import { type FastifyInstance, fastify } from 'fastify';
import { BackendConfig } from '#config/schema.ts';
import type { SiteState } from '#protocol/api.ts';
import { BlindsightError, type ErrorCode } from '#protocol/errors.ts';
import { mayAct, type Role } from '#protocol/roles.ts';
import type { Clock } from '#runtime/clock.ts';
import type { Logger } from '#runtime/log.ts';
import { FloodBound } from '../audit/flood-bound.ts';
import type { RemoteAuditor } from '../auditor/remote-auditor.ts';
import type { AnswerMetrics } from '../metrics/answer-metrics.ts';
import { createMetrics } from '../metrics/create-metrics.ts';
import { Gatekeeper } from '../people/gatekeeper.ts';
import { LogIns } from '../people/log-in.ts';
import type { Site } from '../site.ts';
import { isStoreTrouble } from '../store/store-trouble.ts';
import { addAlertRoutes } from './alert-routes.ts';
import { auditOf } from './audit-of.ts';
import { addAuditRoutes } from './audit-routes.ts';
import { addAuditorRoutes } from './auditor-routes.ts';
import { boundIdle } from './bound-idle.ts';
import { addCameraRoutes } from './camera-routes.ts';
import { addressList } from './client.ts';
import { addCommandRoutes } from './command-routes.ts';
import { addConfigurationRoutes } from './configuration-routes.ts';
import type { EventHub } from './event-hub.ts';
import { addEventRoutes } from './event-routes.ts';
import { addHistoryRoutes } from './history-routes.ts';
import { recordActs } from './record-acts.ts';
import { addRekeyRoutes } from './rekey-routes.ts';
import { addRolloutRoutes } from './rollout-routes.ts';
import { addRuleRoutes } from './rule-routes.ts';
import { isLoopback, refuse, secure } from './security.ts';
import { addSessionRoutes } from './session-routes.ts';
import { StreamGuard } from './stream-guard.ts';
import { addZoneRoutes } from './zone-routes.ts';

/** A request is short: who takes long over one keeps a connection from others. A stream of events is an answer, which may take for ever. */
const TIMES = {
  requestTimeout: 30_000,
  keepAliveTimeout: 10_000,
  http: { headersTimeout: 10_000, connectionsCheckingInterval: 1_000, maxHeaderSize: 16_384 },
} as const;

/** Where the build of the cockpit puts the page. */
const PAGE_DIRECTORY = join(dirname(fileURLToPath(import.meta.url)), '../../cockpit/dist');

/** Of a site that has not set them. */
const DEFAULT_SETTINGS = { events: BackendConfig.shape.events.parse(undefined) };

const NOT_BUILT = `<!doctype html><meta charset="utf-8"><title>Blindsight</title>
<p>The page is not built. Run <code>node cockpit/build.mjs</code>. The API is at
<a href="/api/state">/api/state</a>.</p>`;

export type ApiOptions = {
  readonly site: Pick<Site, 'name' | 'store' | 'vault' | 'dataDirectory' | 'blobs'>;
  /** Given where the auditor is a process of its own. */
  readonly auditor?: RemoteAuditor | null;
  readonly snapshot: () => Promise<SiteState>;
  /** Whether decryption has been stuck for long although work is waiting. */
  readonly isStuck: () => boolean;
  /** What is counted of answers, for the metrics. */
  readonly answers?: AnswerMetrics;
  /** Why the store cannot be used now. */
  readonly trouble?: () => SiteState['trouble'] | null;
  readonly broker: () => SiteState['broker'];
  readonly hub: EventHub;
  readonly clock: Clock;
  readonly log: Logger;
  readonly host: string;
  readonly port: number;
  /** Content of `api.tokenFile`. */
  readonly token: string | null;
  /** What rules are tested with. */
  readonly settings?: Pick<BackendConfig, 'events' | 'timeZone'>;
  readonly proxy?: BackendConfig['api']['proxy'];
  /** How long answers are kept that are added up; by default as the settings have it. */
  readonly history?: BackendConfig['history'];
  /** Largest message that the broker takes. */
  readonly maxMessageBytes?: number;
  /** Folder of the built page; by default that of the repository. */
  readonly pageDirectory?: string;
};

const KEPT: BackendConfig['history'] = { minuteDays: 31, hourDays: 400, dayDays: 3660 };

/** A route as it was added; `role` null where it names none. */
export type ApiRoute = {
  readonly method: string;
  readonly url: string;
  readonly role: Role | 'anyone' | null;
};

export type RunningApi = {
  readonly port: number;
  readonly routes: readonly ApiRoute[];
  close(): Promise<void>;
};

const integer = (minimum: number, maximum: number, byDefault: number) => ({
  type: 'integer',
  minimum,
  maximum,
  default: byDefault,
});

function addRoutes(
  server: FastifyInstance,
  options: ApiOptions,
  gatekeeper: Gatekeeper,
  streams: StreamGuard,
): void {
  const { site, snapshot, isStuck, trouble = () => null, hub } = options;
  const { store } = site;
  server.get('/healthz', { config: { role: 'anyone' } }, async (request, reply) => {
    // Reads the store: if its disk does not answer, this fails and the watchdog is not fed.
    const count = await store.inbox.count().catch((error: unknown) => {
      if (isStoreTrouble(error)) return null;
      throw error;
    });
    // How much waits tells how long decryptions take: whoever sends answers could read that. Who may read the metrics may read this.
    const who = await gatekeeper.whoIs(request.client.asked);
    const isTold = who !== null && 'role' in who && mayAct(who.role, 'integrator');
    const waiting = isTold ? { waiting: count } : {};
    const { connected, detail } = options.broker();
    // Served without log-in: where one is required, nobody learns paths and addresses here.
    const broker = (await gatekeeper.isOpen()) ? { connected, detail } : { connected };
    const { code, message } = trouble() ?? {};
    if (code !== undefined && !isStuck()) {
      return reply.code(503).send({ status: 'troubled', code, reason: message, ...waiting, broker });
    }
    if (count === null) return reply.code(503).send({ status: 'troubled', ...waiting, broker });
    return isStuck()
      ? reply.code(503).send({ status: 'stuck', ...waiting, broker })
      : { status: 'ok', ...waiting, broker };
  });
  server.get('/api/state', { config: { role: 'viewer' } }, () => snapshot());
  server.get<{ Querystring: { limit: number; said: boolean } }>(
    '/api/journal',
    {
      config: { role: 'integrator' },
      schema: {
        querystring: {
          type: 'object',
          properties: { limit: integer(1, 1000, 100), said: { type: 'boolean', default: true } },
        },
      },
    },
    ({ query: { limit, said } }) => store.journal.latest(limit, said),
  );
  server.get<{ Querystring: { changes: boolean } }>(
    '/api/events',
    {
      config: { role: 'viewer' },
      schema: {
        querystring: { type: 'object', properties: { changes: { type: 'boolean', default: false } } },
      },
    },
    async (request, reply) => {
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
      const { identity, client } = request;
      if (identity !== null) streams.add(reply.raw, () => gatekeeper.isStill(identity, client.asked));
      await hub.add(reply.raw, request.query.changes);
    },
  );
  const metrics = createMetrics({
    ...{ store, snapshot, trouble, isStuck, dataDirectory: site.dataDirectory },
    ...(options.answers && { answers: options.answers }),
  });
  server.get('/metrics', { config: { role: 'integrator' } }, async (_request, reply) => {
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
export async function startApi(options: ApiOptions): Promise<RunningApi> {
  const { host, port, token, log, hub, site, clock, proxy, pageDirectory = PAGE_DIRECTORY } = options;
  const proxyUser = proxy?.user ?? null;
  const gatekeeper = new Gatekeeper({ site, clock, token, proxyUser });
  if (!isLoopback(host) && (await gatekeeper.isOpen())) {
    const message = `api.host is ${host}, and there is no account, no api.tokenFile and no api.proxy.user`;
    throw new BlindsightError('API_TOKEN_MISSING', message);
  }
  const streams = new StreamGuard((error) => log.error({ err: error }, 'a session could not be checked'));
  const server = fastify({ bodyLimit: 4096, forceCloseConnections: true, logger: false, ...TIMES });
  boundIdle(server.server, clock, log);
  const failed = (error: unknown) => log.error({ err: error }, 'the audit log could not be written');
  server.setErrorHandler((error: Error & { statusCode?: number }, _request, reply) => {
    if (error instanceof BlindsightError && error.code === 'AUDIT_UNWRITABLE') {
      failed(error);
      return refuse(reply, 503, error.code, error.message);
    }
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
  const routes: ApiRoute[] = [];
  server.addHook('onRoute', ({ method, url, config }) => {
    for (const one of [method].flat()) routes.push({ method: one, url, role: config?.role ?? null });
  });
  secure(server, gatekeeper, addressList(proxy?.addresses ?? []));
  const audit = auditOf(site, clock, log);
  const refusals = new FloodBound(audit, clock, failed);
  recordActs(server, { audit, refusals, onError: failed });
  addSessionRoutes(server, {
    ...{ audit, refusals },
    ...{ gatekeeper, token, logIns: new LogIns(site, clock) },
    onEnded: () => void streams.check(),
  });
  addRoutes(server, options, gatekeeper, streams);
  addConfigurationRoutes(server, options.site);
  addRolloutRoutes(server, options);
  addRekeyRoutes(server, options);
  addCommandRoutes(server, options.site, options.clock);
  addHistoryRoutes(server, { store: site.store, clock, history: options.history ?? KEPT });
  addAlertRoutes(server, { site, clock, onChange: () => hub.stateChanged() });
  addCameraRoutes(server, { site, clock, onChange: () => hub.stateChanged() });
  addZoneRoutes(server, { site, clock, onChange: () => hub.stateChanged() });
  addRuleRoutes(server, {
    site,
    settings: options.settings ?? DEFAULT_SETTINGS,
    snapshot: options.snapshot,
    clock,
  });
  addEventRoutes(server, { store: site.store, clock });
  addAuditRoutes(server, site.store);
  addAuditorRoutes(server, { site, clock, auditor: options.auditor ?? null });
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
    routes,
    async close() {
      streams.close();
      hub.close();
      await server.close();
      await refusals.flush();
    },
  };
}
