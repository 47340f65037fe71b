import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Act, AuditLog, Begun } from '../audit/audit-log.ts';
import { DONE } from '../audit/audit-log.ts';
import type { FloodBound } from '../audit/flood-bound.ts';
import type { Identity } from '../people/identity.ts';
import { READING } from './security.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What a route that acts is called in the audit log, in the words of the command line; by default method and path. */
    act?: string;
    /** A route that notes what it does by itself, or that changes nothing and only has too much to ask for an address. */
    notesItself?: boolean;
  }
  interface FastifyRequest {
    /** What was noted when this request was let in; null where it changes nothing, or was refused. */
    begun: Begun | null;
  }
}

/** Fields of a request that may stand in the audit log: none of them can hold a secret. */
const FIELDS = new Set([
  ...['all', 'anyway', 'back', 'base', 'camera', 'coolDownSeconds', 'days', 'discard', 'displayName'],
  ...['enabled', 'expectedVersion', 'gateway', 'gateways', 'group'],
  ...[
    'groups',
    'instead',
    'kind',
    'level',
    'limit',
    'limitSeconds',
    'lines',
    'maxFailures',
    'minutes',
    'model',
  ],
  ...[
    'name',
    'notify',
    'reason',
    'release',
    'role',
    'rollout',
    'seconds',
    'serial',
    'severity',
    'target',
    'to',
  ],
  'totalSeconds',
  ...['type', 'version', 'wave', 'waves'],
]);
const MAX_TEXT = 200;
const MAX_ITEMS = 50;

export type RecordActsOptions = {
  readonly audit: AuditLog;
  readonly refusals: FloodBound;
  readonly onError: (error: unknown) => void;
};

/**
 * Notes every request that may change something: before it runs, and how it ended before its sender hears of it; one that was refused once, and not each of a flood.
 * What cannot be noted does not run.
 */
export function recordActs(server: FastifyInstance, { audit, refusals, onError }: RecordActsOptions): void {
  server.decorateRequest('begun', null);
  server.addHook('preHandler', async (request) => {
    if (!changes(request)) return;
    request.begun = await audit.begin(actOf(request));
  });
  server.addHook('onSend', async (request, reply, payload) => {
    if (!changes(request)) return payload;
    const outcome = reply.statusCode < 400 ? DONE : (codeOf(payload) ?? `HTTP ${reply.statusCode}`);
    const { begun } = request;
    if (begun !== null) await audit.end(begun, outcome).catch(onError);
    else if (outcome !== DONE) await refusals.note(actOf(request), outcome, request.client.address);
    return payload;
  });
}

/** Whether a request may change something. One that no route takes cannot. */
function changes({ method, routeOptions: { url, config } }: FastifyRequest): boolean {
  return !READING.has(method) && url !== undefined && config.notesItself !== true;
}

/** How a request is called in the audit log. */
export function actOf(request: FastifyRequest): Act {
  const { method, identity, routeOptions, params, query, body } = request;
  return {
    ...actorOf(request, identity),
    act: routeOptions.config.act ?? `${method} ${routeOptions.url}`,
    subject: Object.values(record(params)).map(String).join(' '),
    details: { ...fieldsOf(query), ...fieldsOf(body) },
  };
}

/** Who came, and by which door: a browser says of itself that it is one. */
export function actorOf(
  request: FastifyRequest,
  identity: Identity | null,
): Pick<Act, 'actor' | 'role' | 'door'> {
  const isPage =
    identity?.way === 'session' || (identity?.way !== 'token' && 'sec-fetch-site' in request.headers);
  return {
    actor: identity?.name ?? 'nobody',
    role: identity?.role ?? 'none',
    door: isPage ? 'page' : 'api',
  };
}

function fieldsOf(value: unknown): Record<string, unknown> {
  const known = Object.entries(record(value)).filter(([name]) => FIELDS.has(name));
  return Object.fromEntries(
    known.map(([name, field]) => [name, short(field)]).filter(([, field]) => field !== null),
  );
}

function short(value: unknown): string | number | boolean | readonly unknown[] | null {
  if (typeof value === 'number' || typeof value === 'boolean') return value;
  if (typeof value === 'string') return value.slice(0, MAX_TEXT);
  if (Array.isArray(value)) return value.slice(0, MAX_ITEMS).map(short);
  return null;
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function codeOf(payload: unknown): string | null {
  if (typeof payload !== 'string' || payload.length > 10_000) return null;
  try {
    const { error } = JSON.parse(payload) as { error?: { code?: unknown } };
    return typeof error?.code === 'string' ? error.code : null;
  } catch {
    return null;
  }
}
