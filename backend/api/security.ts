import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { BlindsightError, type ErrorCode } from '#protocol/errors.ts';
import { readSecretFile } from '#runtime/files.ts';

const COOKIE = 'blindsight';
const MIN_TOKEN_LENGTH = 16;
const COOKIE_SECONDS = 30 * 24 * 3600;

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
 * Reads the token of the API.
 *
 * @returns null where none is configured, which only a loopback address allows.
 * @throws BlindsightError API_TOKEN_MISSING, API_TOKEN_WEAK, SECRET_EXPOSED.
 */
export async function readToken(host: string, file: string | undefined): Promise<string | null> {
  if (file === undefined) {
    if (isLoopback(host)) return null;
    throw new BlindsightError('API_TOKEN_MISSING', `api.host is ${host} and there is no api.tokenFile`);
  }
  const token = (await readSecretFile(file)).toString('utf8').trim();
  if (token.length < MIN_TOKEN_LENGTH) {
    throw new BlindsightError(
      'API_TOKEN_WEAK',
      `the token in ${file} has ${token.length} characters, at least ${MIN_TOKEN_LENGTH} are needed`,
    );
  }
  return token;
}

/** Compares in constant time. */
function sameText(left: string, right: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(left), digest(right));
}

/** What the cookie holds: a value from which the token cannot be found. */
function cookieValue(token: string): string {
  return createHash('sha256').update(`blindsight cookie\0${token}`).digest('base64url');
}

function cookieOf(request: FastifyRequest): string | null {
  const pairs = (request.headers.cookie ?? '').split(';').map((pair) => pair.trim());
  const pair = pairs.find((candidate) => candidate.startsWith(`${COOKIE}=`));
  return pair === undefined ? null : pair.slice(COOKIE.length + 1);
}

function isAuthorized(request: FastifyRequest, token: string): boolean {
  const header = request.headers.authorization;
  if (header?.startsWith('Bearer ') && sameText(header.slice(7), token)) return true;
  const cookie = cookieOf(request);
  return cookie !== null && sameText(cookie, cookieValue(token));
}

/** The name part of a Host header, without port and brackets. */
function hostName(header: string): string {
  return header
    .replace(/:\d+$/, '')
    .replace(/^\[(.*)\]$/, '$1')
    .toLowerCase();
}

/**
 * Whether a request needs no token: liveness, log-in, and the page itself, which asks for the token. Decided by the matched route and
 * not by the address, which has many spellings (`/%61pi/state`).
 */
function isOpen(request: FastifyRequest): boolean {
  const route = request.routeOptions.url;
  if (route === undefined || route === '/healthz' || route === '/api/session') return true;
  return !route.startsWith('/api/') && route !== '/metrics';
}

const READING = new Set(['GET', 'HEAD']);

/** Whether the browser says that a page of another site made the request. */
function isForged({ headers }: FastifyRequest): boolean {
  const { origin, host } = headers;
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return true;
  // Without the scheme, which a proxy in front of this server may have changed.
  return origin !== undefined && origin.replace(/^https?:\/\//, '') !== host;
}

/**
 * Guards every request.
 *
 * 1. Without a token only requests for a loopback name are served: a web site whose name is made to point at this machine
 *    (DNS rebinding) is not.
 * 2. With a token everything below /api and /metrics needs it, as `Authorization: Bearer` or as the cookie of `POST /api/session`.
 *    It is never taken from a URL, which ends up in logs and histories.
 * 3. Any change requested by a page of another origin is refused (cross-site request forgery). Browsers say which page it
 *    is; other programs, which no page can abuse, need not.
 */
export function secure(server: FastifyInstance, token: string | null): void {
  server.addHook('onRequest', async (request, reply) => {
    reply.headers({
      'content-security-policy': CONTENT_SECURITY_POLICY,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'x-frame-options': 'DENY',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
    });
    if (!READING.has(request.method) && isForged(request))
      return refuse(reply, 403, 'API_ORIGIN_REFUSED', 'a page of another origin asks for this');
    if (token === null) {
      if (isLoopback(hostName(request.headers.host ?? ''))) return;
      return refuse(reply, 403, 'API_HOST_REFUSED', 'this page answers only to localhost');
    }
    if (isOpen(request) || isAuthorized(request, token)) return;
    return refuse(reply, 401, 'API_TOKEN_WRONG', 'a token is needed');
  });
  server.post<{ Body: { token: string } }>(
    '/api/session',
    {
      schema: {
        body: {
          type: 'object',
          required: ['token'],
          additionalProperties: false,
          properties: { token: { type: 'string', minLength: 1, maxLength: 512 } },
        },
      },
    },
    async (request, reply) => {
      if (token === null) return reply.code(204).send();
      if (!sameText(request.body.token, token))
        return refuse(reply, 401, 'API_TOKEN_WRONG', 'this is not the token');
      reply.header(
        'set-cookie',
        `${COOKIE}=${cookieValue(token)}; HttpOnly; SameSite=Strict; Path=/; Max-Age=${COOKIE_SECONDS}`,
      );
      return reply.code(204).send();
    },
  );
}

function refuse(reply: FastifyReply, status: number, code: ErrorCode, message: string): FastifyReply {
  return reply.code(status).send({ error: { code, message } });
}
