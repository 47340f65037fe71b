import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { SessionView } from '#protocol/api.ts';
import type { Role } from '#protocol/roles.ts';
import { type AuditLog, DONE } from '../audit/audit-log.ts';
import type { FloodBound } from '../audit/flood-bound.ts';
import type { Gatekeeper } from '../people/gatekeeper.ts';
import { SITE_TOKEN } from '../people/identity.ts';
import type { LogIns, NotLoggedIn } from '../people/log-in.ts';
import { MAX_PASSWORD_LENGTH } from '../people/password.ts';
import { SESSION_MS, type SessionOwner } from '../people/sessions.ts';
import { BROWSER_COOKIE, cookieOf, SESSION_COOKIE } from './client.ts';
import { actorOf } from './record-acts.ts';
import { refuse } from './security.ts';

/** How long a browser counts as one that was logged in before. */
const BROWSER_SECONDS = 180 * 24 * 3600;

type LogInBody = { readonly name?: string; readonly password?: string; readonly token?: string };

export type SessionParts = {
  readonly gatekeeper: Gatekeeper;
  readonly logIns: LogIns;
  readonly token: string | null;
  readonly audit: AuditLog;
  readonly refusals: FloodBound;
  /** Called when sessions ended, so that what is sent to them ends too. */
  readonly onEnded: () => void;
};

const text = (maxLength: number) => ({ type: 'string', minLength: 1, maxLength });
const body = {
  type: 'object',
  additionalProperties: false,
  properties: { name: text(64), password: text(MAX_PASSWORD_LENGTH), token: text(512) },
};

/** Log-in, who is logged in, and log-out. */
export function addSessionRoutes(server: FastifyInstance, parts: SessionParts): void {
  const { gatekeeper, logIns, token, audit, refusals, onEnded } = parts;
  const { sessions } = gatekeeper;
  // Attempts to log in cost nothing, so that only those that succeed are noted one by one.
  const config = { role: 'anyone', notesItself: true } as const;
  server.get('/api/session', { config }, async (request, reply): Promise<SessionView> => {
    reply.header('cache-control', 'no-store');
    const who = await gatekeeper.whoIs(request.client.asked);
    const known = who === null || 'code' in who ? null : who;
    return {
      person: known && { name: known.name, role: known.role, way: known.way },
      logIn: { password: await gatekeeper.hasPeople(), token: token !== null },
    };
  });
  server.post<{ Body: LogInBody }>('/api/session', { config, schema: { body } }, async (request, reply) => {
    reply.header('cache-control', 'no-store');
    if (await gatekeeper.isOpen()) return reply.code(204).send();
    const { name, password, token: given } = request.body;
    const hasBoth = name !== undefined && password !== undefined;
    if (hasBoth === (given !== undefined) || (name === undefined) !== (password === undefined))
      return refuse(reply, 400, 'API_REQUEST_INVALID', 'either name and password, or token');
    const outcome = await logIn(request, parts);
    if ('code' in outcome) {
      const { waitSeconds } = outcome;
      await refusals.note(
        { ...logInAct(request), subject: await logIns.nameOf(name) },
        outcome.code,
        request.client.address,
      );
      if (waitSeconds !== undefined) reply.header('retry-after', waitSeconds);
      return refuse(reply, waitSeconds === undefined ? 401 : 429, outcome.code, outcome.message);
    }
    const { actor, role } = outcome;
    const { address } = request.client;
    await audit.note({ ...logInAct(request), actor, role, subject: actor, details: { address } }, DONE);
    const before = request.client.asked.cookie;
    if (before !== null) await gatekeeper.end(before);
    setCookie(request, reply, SESSION_COOKIE, await sessions.open(outcome.owner), SESSION_MS / 1000);
    if (outcome.browser !== null) setCookie(request, reply, BROWSER_COOKIE, outcome.browser, BROWSER_SECONDS);
    return reply.code(204).send();
  });
  server.delete<{ Querystring: { all: boolean } }>(
    '/api/session',
    {
      config,
      schema: { querystring: { type: 'object', properties: { all: { type: 'boolean', default: false } } } },
    },
    async (request, reply) => {
      const { cookie } = request.client.asked;
      if (cookie !== null) {
        const who = await sessions.find(cookie, gatekeeper.siteToken);
        if (who !== null) {
          const act = request.query.all ? 'log out everywhere' : 'log out';
          const { actor, role, door } = actorOf(request, who);
          await audit.note({ actor, role, door, act, subject: who.name }, DONE);
          if (request.query.all) await gatekeeper.endAll(who);
        }
        await gatekeeper.end(cookie);
      }
      setCookie(request, reply, SESSION_COOKIE, '', 0);
      onEnded();
      return reply.code(204).send();
    },
  );
}

type Opened = {
  readonly owner: SessionOwner;
  readonly actor: string;
  readonly role: Role;
  /** For the cookie by which the browser is known from now on; null where it gets none. */
  readonly browser: string | null;
};

async function logIn(
  request: FastifyRequest<{ Body: LogInBody }>,
  { logIns, gatekeeper, token }: SessionParts,
): Promise<Opened | NotLoggedIn> {
  const { address } = request.client;
  const { name = '', password = '', token: given } = request.body;
  if (given !== undefined) {
    const refused = logIns.checkToken(given, token, address);
    const owner = { siteToken: gatekeeper.siteToken ?? '' };
    return refused ?? { owner, actor: SITE_TOKEN, role: 'owner', browser: null };
  }
  const browser = cookieOf(request, BROWSER_COOKIE);
  const outcome = await logIns.check({ name, password, address, browser });
  if ('code' in outcome) return outcome;
  const owner = { person: outcome.name, generation: outcome.generation };
  return { owner, actor: outcome.name, role: outcome.role, browser: outcome.browser };
}

function logInAct(request: FastifyRequest) {
  return { ...actorOf(request, null), act: 'log in', subject: '' };
}

function setCookie(
  request: FastifyRequest,
  reply: FastifyReply,
  name: string,
  value: string,
  seconds: number,
): void {
  const secure = request.client.isSecure ? '; Secure' : '';
  reply.header(
    'set-cookie',
    `${name}=${value}; HttpOnly; SameSite=Strict; Path=/; Max-Age=${Math.floor(seconds)}${secure}`,
  );
}
