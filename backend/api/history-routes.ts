import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { BackendConfig } from '#config/schema.ts';
import { NAME_PATTERN } from '#protocol/topics.ts';
import type { Clock } from '#runtime/clock.ts';
import { EXPORT_FORMATS, EXPORTED_BY, type ExportRequest, exportHistory } from '../history/export-history.ts';
import { readHistory } from '../history/read-history.ts';
import { readLines } from '../history/read-lines.ts';
import type { Store } from '../store/store.ts';
import { refuse } from './security.ts';

const name = { type: 'string', pattern: NAME_PATTERN.source };
const integer = (minimum: number, maximum: number, byDefault: number) => ({
  ...{ type: 'integer', minimum, maximum, default: byDefault },
});
/** Each reads as fast as its reader takes it: more would keep answers waiting. */
const MAX_EXPORTS = 2;
const DAY_MS = 86_400_000;
const exportQuery = {
  type: 'object',
  properties: {
    ...{ from: { type: 'string', maxLength: 40 }, to: { type: 'string', maxLength: 40 } },
    by: { type: 'string', enum: [...EXPORTED_BY], default: 'answer' },
    format: { type: 'string', enum: [...EXPORT_FORMATS], default: 'csv' },
  },
};
type Exported = Pick<ExportRequest, 'by' | 'format'> & { readonly from?: string; readonly to?: string };
const minutes = integer(1, 30 * 24 * 60, 60);

export type HistoryRouteOptions = {
  readonly store: Store;
  readonly clock: Clock;
  readonly history: BackendConfig['history'];
};

/** What cameras answered: time lines of one or of all, and exports. */
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
  let running = 0;
  server.get<{ Params: { camera: string }; Querystring: Exported }>(
    '/api/cameras/:camera/export',
    { config: { role: 'viewer' }, schema: { params, querystring: exportQuery } },
    async ({ params: { camera }, query: { from, to, by, format } }, reply) => {
      const beforeMs = to === undefined ? clock.now() : momentOf(to, 'to');
      const fromMs = from === undefined ? beforeMs - DAY_MS : momentOf(from, 'from');
      if ((await store.cameras.owner(camera)) === null && (await store.rollUps.lines(camera)).length === 0)
        return refuse(reply, 404, 'CAMERA_NOT_FOUND', `no gateway has a camera ${camera}, and none had`);
      if (running >= MAX_EXPORTS)
        return refuse(reply, 503, 'API_EXPORTS_FULL', `${MAX_EXPORTS} exports are running`);
      const signal = leftSignal(reply);
      if (signal.aborted) return reply;
      running++;
      signal.addEventListener('abort', () => running--, { once: true });
      return exported(store, { camera, fromMs, beforeMs, by, format, signal }, reply);
    },
  );
}

/** Sends an export, read as fast as it is taken. */
function exported(store: Store, request: ExportRequest, reply: FastifyReply): FastifyReply {
  const text = exportHistory(store, request);
  const { camera, by, format, fromMs } = request;
  const file = `${camera}-${by}-${new Date(fromMs).toISOString().slice(0, 10)}.${format}`;
  const type =
    format === 'csv' ? 'text/csv; charset=utf-8; header=present' : 'application/json; charset=utf-8';
  return reply
    .type(type)
    .header('content-disposition', `attachment; filename="${file}"`)
    .send(Readable.from(text, { highWaterMark: 1 }));
}

/** Aborts when nobody waits for the answer any more. */
function leftSignal(reply: FastifyReply): AbortSignal {
  const left = new AbortController();
  // Nothing would tell any more.
  if (reply.raw.destroyed) left.abort();
  // On the response: a connection outlives it and would keep a listener for each of its requests.
  reply.raw.once('close', () => left.abort());
  return left.signal;
}

/** A day or a moment as ms since the epoch; UTC unless it says otherwise. @throws an error that is answered with 400 */
function momentOf(text: string, name: string): number {
  const ms = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(ms)) return ms;
  const message = `querystring/${name} must be a day or a moment, as 2026-03-01 or 2026-03-01T08:00Z`;
  throw Object.assign(new Error(message), { statusCode: 400 });
}
