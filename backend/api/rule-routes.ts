import type { FastifyInstance, FastifyReply } from 'fastify';
import type { BackendConfig } from '#config/schema.ts';
import type { SiteState } from '#protocol/api.ts';
import type { ErrorCode } from '#protocol/errors.ts';
import { NAME_PATTERN } from '#protocol/topics.ts';
import type { Clock } from '#runtime/clock.ts';
import {
  listRules,
  parseRule,
  type RuleContext,
  removeRule,
  saveRule,
  testRule,
} from '../operations/rules.ts';
import type { Site } from '../site.ts';
import { answerErrors } from './answer-errors.ts';
import { authorOf } from './author-of.ts';

const STATUS: Partial<Record<ErrorCode, number>> = {
  RULE_NOT_FOUND: 404,
  RULE_EXISTS: 409,
  RULES_FULL: 409,
  RULE_INVALID: 422,
  RULE_DOUBTFUL: 422,
};

/** A rule with as many cameras and channels as it may name. */
const BODY_BYTES = 32_768;

const body = { type: 'object' };
const querystring = { type: 'object', properties: { anyway: { type: 'boolean', default: false } } };
const params = { type: 'object', properties: { name: { type: 'string', pattern: NAME_PATTERN.source } } };

export type RuleRouteOptions = {
  readonly site: Pick<Site, 'store'>;
  readonly settings: Pick<BackendConfig, 'events' | 'timeZone'>;
  readonly snapshot: () => Promise<SiteState>;
  readonly clock: Clock;
};

type Query = { readonly anyway: boolean };
type Named = { readonly name: string };

/** Rules: the same operations as `blindsight rule`. What a rule is, and what is wrong with one, is said where the command line says it, in the same words. */
export function addRuleRoutes(server: FastifyInstance, options: RuleRouteOptions): void {
  const { site, settings: config, snapshot, clock } = options;
  /** What a rule is tested with, until nobody waits for the answer. */
  const context = async (reply: FastifyReply): Promise<RuleContext> => {
    const left = new AbortController();
    reply.raw.once('close', () => left.abort());
    return { site, config, state: await snapshot(), clock, signal: left.signal };
  };
  server.get('/api/rules', { config: { role: 'viewer' } }, () => listRules(site));
  server.post<{ Body: unknown; Querystring: Query }>(
    '/api/rules',
    { bodyLimit: BODY_BYTES, config: { role: 'operator', act: 'rule add' }, schema: { body, querystring } },
    ({ body: rule, query: { anyway }, identity }, reply) =>
      answerErrors(reply, STATUS, async () =>
        saveRule(await context(reply), rule, { author: authorOf(identity), anyway, instead: 'new' }),
      ),
  );
  server.put<{ Params: Named; Body: Record<string, unknown>; Querystring: Query }>(
    '/api/rules/:name',
    {
      bodyLimit: BODY_BYTES,
      config: { role: 'operator', act: 'rule add' },
      schema: { body, params, querystring },
    },
    ({ params: { name }, body: rule, query: { anyway }, identity }, reply) =>
      answerErrors(reply, STATUS, async () => {
        const author = authorOf(identity);
        return saveRule(await context(reply), { ...rule, name }, { author, anyway, instead: 'existing' });
      }),
  );
  server.delete<{ Params: Named }>(
    '/api/rules/:name',
    { config: { role: 'operator', act: 'rule remove' }, schema: { params } },
    ({ params: { name } }, reply) =>
      answerErrors(reply, STATUS, async () => {
        await removeRule({ site, clock }, name);
        return listRules(site);
      }),
  );
  server.post<{ Body: unknown }>(
    '/api/rules/test',
    { bodyLimit: BODY_BYTES, config: { role: 'operator', act: 'rule test' }, schema: { body } },
    ({ body: rule }, reply) =>
      answerErrors(reply, STATUS, async () => testRule(await context(reply), parseRule(rule))),
  );
}
