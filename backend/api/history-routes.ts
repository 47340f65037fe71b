import type { FastifyInstance, FastifyReply } from 'fastify';
import type { BackendConfig } from '#config/schema.ts';
import { NAME_PATTERN } from '#protocol/topics.ts';
import type { Clock } from '#runtime/clock.ts';
import { readHistory } from '../history/read-history.ts';
import { readLines } from '../history/read-lines.ts';
import type { Store } from '../store/store.ts';

const name = { type: 'string', pattern: NAME_PATTERN.source };
const integer = (minimum: number, maximum: number, byDefault: number) => ({
  ...{ type: 'integer', minimum, maximum, default: byDefault },
});
const minutes = integer(1, 30 * 24 * 60, 60);

export type HistoryRouteOptions = {
  readonly store: Store;
  readonly clock: Clock;
  readonly history: BackendConfig['history'];
};

/** What cameras answered: time lines of one or of all. */
export function addHistoryRoutes(
  server: FastifyInstance,
  { store, clock, history }: HistoryRouteOptions,
): void {
  const params = { type: 'object', properties: { camera: name } };
  server.get<{ Params: { camera: string }; Querystring: { minutes: number; region?: string } }>(
    '/api/cameras/:camera/history',
    {
      config: { role: 'viewer' },
      schema: { params, querystring: { type: 'object', properties: { minutes, region: name } } },
    },
    ({ params: { camera }, query }, reply) => {
      const untilMs = clock.now();
      const sinceMs = untilMs - query.minutes * 60_000;
      const about = { camera, ...(query.region !== undefined && { region: query.region }) };
      return readHistory(store, { ...about, sinceMs, untilMs, signal: leftSignal(reply) }, history);
    },
  );
  server.get<{ Querystring: { minutes: number; points: number } }>(
    '/api/lines',
    {
      config: { role: 'viewer' },
      schema: { querystring: { type: 'object', properties: { minutes, points: integer(2, 240, 60) } } },
    },
    ({ query }) => readLines(store, { ...query, nowMs: clock.now() }, history),
  );
}

/** Aborts when nobody waits for the answer any more. */
function leftSignal(reply: FastifyReply): AbortSignal {
  const left = new AbortController();
  // On the response: a connection outlives it and would keep a listener for each of its requests.
  reply.raw.once('close', () => left.abort());
  return left.signal;
}
