import type { BlockList } from 'node:net';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { BlindsightError, type ErrorCode } from '#protocol/errors.ts';
import { mayAct, type Role } from '#protocol/roles.ts';
import { readSecretFile } from '#runtime/files.ts';
import type { Gatekeeper } from '../people/gatekeeper.ts';
import type { Identity } from '../people/identity.ts';
import { type Client, clientOf } from './client.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The least role that may use a route; `anyone` also without log-in. A route below /api without it needs an owner. */
    role?: Role | 'anyone';
  }
  interface FastifyRequest {
    /** Who asks; null on routes for anyone. */
    identity: Identity | null;
    client: Client;
  }
}

const MIN_TOKEN_LENGTH = 16;

/** Everything from this server, nothing inline: the page sets styles by script, as the policy allows. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'self'",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ');

/** Whether an address can be reached from this machine only. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(host);
}

/**
 * Reads the token of the site.
 *
 * @returns null where none is configured.
 * @throws BlindsightError API_TOKEN_WEAK, SECRET_EXPOSED.
 */
export async function readToken(file: string | undefined): Promise<string | null> {
  if (file === undefined) return null;
  const token = (await readSecretFile(file)).toString('utf8').trim();
  if (token.length < MIN_TOKEN_LENGTH) {
    throw new BlindsightError(
      'API_TOKEN_WEAK',
      `the token in ${file} has ${token.length} characters, at least ${MIN_TOKEN_LENGTH} are needed`,
    );
  }
  return token;
}

/** The name part of a Host header, without port and brackets. */
function hostName(header: string): string {
  return header
    .replace(/:\d+$/, '')
    .replace(/^\[(.*)\]$/, '$1')
    .toLowerCase();
}

/**
 * The role that a request needs; null if none: liveness, log-in, and the page itself, which asks for the log-in. Decided by the matched route and
 * not by the address, which has many spellings (`/%61pi/state`).
 */
export function neededRole(route: string | undefined, role: Role | 'anyone' | undefined): Role | null {
  if (role !== undefined) return role === 'anyone' ? null : role;
  if (route === undefined) return null;
  return route.startsWith('/api/') || route === '/metrics' ? 'owner' : null;
}

export const READING = new Set(['GET', 'HEAD']);

/** Whether the browser says that a page of another site made the request, or it is an alert: a channel that leads here would act without anybody, and test itself. */
function isForged({ headers }: FastifyRequest): boolean {
  if (headers['x-blindsight-delivery'] !== undefined) return true;
  const { origin, host } = headers;
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return true;
  // Without the scheme, which a proxy in front of this server may have changed.
  return origin !== undefined && origin.replace(/^https?:\/\//, '') !== host;
}

/**
 * Guards every request.
 *
 * 1. While nobody has to log in, only requests for a loopback name are served: a web site whose name is made to point at this machine
 *    (DNS rebinding) is not.
 * 2. Otherwise everything below /api and /metrics needs somebody whom the gatekeeper knows. Tokens are never taken from a URL, which ends up in logs and histories.
 * 3. They need the role of the route, see `config: { role }` of each.
 * 4. Any change requested by a page of another origin is refused (cross-site request forgery). Browsers say which page it
 *    is; other programs, which no page can abuse, need not. So is what a webhook sends.
 */
export function secure(server: FastifyInstance, gatekeeper: Gatekeeper, proxies: BlockList): void {
  server.decorateRequest('identity', null);
  server.decorateRequest('client', null as unknown as Client);
  server.addHook('onRequest', async (request, reply) => {
    request.client = clientOf(request, proxies);
    reply.headers({
      'content-security-policy': CONTENT_SECURITY_POLICY,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'x-frame-options': 'DENY',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
    });
    if (!READING.has(request.method) && isForged(request))
      return refuse(reply, 403, 'API_ORIGIN_REFUSED', 'a page of another origin, or an alert, asks for this');
    if (!isLoopback(hostName(request.headers.host ?? '')) && (await gatekeeper.isOpen()))
      return refuse(reply, 403, 'API_HOST_REFUSED', 'this page answers only to localhost');
    const { url, config } = request.routeOptions;
    const needed = neededRole(url, config.role);
    if (needed === null) return;
    // Answers for one person must not wait in a cache for another.
    reply.header('cache-control', 'no-store');
    const who = await gatekeeper.whoIs(request.client.asked);
    if (who === null) return refuse(reply, 401, 'API_LOGIN_NEEDED', 'nobody is logged in');
    if ('code' in who)
      return refuse(reply, who.code === 'API_PROXY_REFUSED' ? 403 : 401, who.code, who.message);
    request.identity = who;
    if (mayAct(who.role, needed)) return;
    const message = `this needs the role ${needed}, and ${who.name} is ${who.role}`;
    return refuse(reply, 403, 'API_ROLE_NEEDED', message);
  });
}

export function refuse(reply: FastifyReply, status: number, code: ErrorCode, message: string): FastifyReply {
  return reply.code(status).send({ error: { code, message } });
}
