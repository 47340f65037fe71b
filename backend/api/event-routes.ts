import type { FastifyInstance } from 'fastify';
import { BlindsightError } from '#protocol/errors.ts';
import { NAME_PATTERN } from '#protocol/topics.ts';
import type { Clock } from '#runtime/clock.ts';
import type { Store } from '../store/store.ts';
import { answerErrors } from './answer-errors.ts';
import { authorOf } from './author-of.ts';

const MOST = 1000;

type Query = {
  readonly camera?: string;
  readonly since?: string;
  readonly until?: string;
  readonly reviewed?: boolean;
  readonly limit: number;
};

const time = { type: 'string', format: 'date-time' };
const querystring = {
  type: 'object',
  properties: {
    camera: { type: 'string', pattern: NAME_PATTERN.source },
    since: time,
    until: time,
    reviewed: { type: 'boolean' },
    limit: { type: 'integer', minimum: 1, maximum: MOST, default: 100 },
  },
};
const params = { type: 'object', properties: { id: { type: 'integer', minimum: 1, maximum: 2 ** 31 } } };

/** What was there for a while; `/api/events` is the live stream. */
export function addEventRoutes(
  server: FastifyInstance,
  { store, clock }: { readonly store: Store; readonly clock: Clock },
): void {
  server.get<{ Querystring: Query }>(
    '/api/recorded-events',
    { config: { role: 'viewer' }, schema: { querystring } },
    ({ query: { camera, since, until, reviewed, limit } }) =>
      store.recordedEvents.list({
        limit,
        ...(camera !== undefined && { camera }),
        ...(since !== undefined && { sinceMs: Date.parse(since) }),
        ...(until !== undefined && { untilMs: Date.parse(until) }),
        ...(reviewed !== undefined && { reviewed }),
      }),
  );
  server.post<{ Params: { readonly id: number } }>(
    '/api/recorded-events/:id/review',
    { config: { role: 'operator', act: 'event review' }, schema: { params } },
    ({ params: { id }, identity }, reply) =>
      answerErrors(reply, { EVENT_NOT_FOUND: 404 }, async () => {
        const event = await store.recordedEvents.review(id, authorOf(identity), clock.now());
        if (event === null) throw new BlindsightError('EVENT_NOT_FOUND', `there is no event ${id}`);
        return event;
      }),
  );
}
