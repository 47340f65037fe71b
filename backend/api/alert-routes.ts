import type { FastifyInstance } from 'fastify';
import { MAX_SHOWN_ALERTS } from '#protocol/alert.ts';
import type { ErrorCode } from '#protocol/errors.ts';
import { NAME_PATTERN } from '#protocol/topics.ts';
import type { Clock } from '#runtime/clock.ts';
import { acknowledgeAlert } from '../alerts/acknowledge-alert.ts';
import { addChannel, listChannels, removeChannel, testChannel } from '../alerts/channels.ts';
import type { Site } from '../site.ts';
import { answerErrors } from './answer-errors.ts';
import { authorOf } from './author-of.ts';

const STATUS: Partial<Record<ErrorCode, number>> = {
  ALERT_NOT_FOUND: 404,
  ALERT_ACKNOWLEDGED: 409,
  CHANNEL_NOT_FOUND: 404,
  CHANNEL_EXISTS: 409,
  CHANNEL_INVALID: 422,
  CHANNEL_ADDRESS_PRIVATE: 422,
  CHANNEL_REFUSED: 502,
  CHANNEL_UNREACHABLE: 502,
};

/** Certificates of authorities are longer than other requests. */
const CHANNEL_BYTES = 65_536;
const MAX_LISTED = 1000;
const name = { type: 'string', pattern: NAME_PATTERN.source };

export type AlertRouteOptions = {
  readonly site: Pick<Site, 'name' | 'store' | 'vault'>;
  readonly clock: Clock;
  readonly onChange: () => void;
};

/** Alerts, and the channels that they are sent through: the same as `blindsight alert` and `blindsight channel`. */
export function addAlertRoutes(server: FastifyInstance, options: AlertRouteOptions): void {
  const { site, clock, onChange } = options;
  const listed = {
    type: 'object',
    properties: {
      state: { type: 'string', enum: ['open', 'all'], default: 'open' },
      limit: { type: 'integer', minimum: 1, maximum: MAX_LISTED, default: MAX_SHOWN_ALERTS },
    },
  };
  server.get<{ Querystring: { state: 'open' | 'all'; limit: number } }>(
    '/api/alerts',
    { config: { role: 'viewer' }, schema: { querystring: listed } },
    async ({ query: { state, limit } }) =>
      state === 'all' ? site.store.alerts.latest(limit) : (await site.store.alerts.open(limit)).open,
  );
  const id = { type: 'integer', minimum: 1, maximum: Number.MAX_SAFE_INTEGER };
  server.post<{ Params: { id: number } }>(
    '/api/alerts/:id/acknowledge',
    {
      config: { role: 'operator', act: 'alert acknowledge' },
      schema: { params: { type: 'object', properties: { id } } },
    },
    ({ params, identity }, reply) =>
      answerErrors(reply, STATUS, async () => {
        const alert = await acknowledgeAlert(site, params.id, authorOf(identity), clock);
        onChange();
        return alert;
      }),
  );
  addChannelRoutes(server, options);
}

function addChannelRoutes(server: FastifyInstance, { site, clock }: AlertRouteOptions): void {
  const path = '/api/channels';
  const params = { type: 'object', properties: { name } };
  server.get(path, { config: { role: 'operator' } }, () => listChannels(site));
  server.post<{ Body: { readonly name: string } & Record<string, unknown> }>(
    path,
    {
      config: { role: 'owner', act: 'channel add' },
      bodyLimit: CHANNEL_BYTES,
      // The rest is checked where the command line's is, in the same words.
      schema: { body: { type: 'object', required: ['name'], properties: { name: { type: 'string' } } } },
    },
    ({ body: { name: channel, ...settings } }, reply) =>
      answerErrors(reply, STATUS, () => addChannel(site, channel, settings, clock)),
  );
  server.delete<{ Params: { name: string } }>(
    `${path}/:name`,
    { config: { role: 'owner', act: 'channel remove' }, schema: { params } },
    ({ params: { name: channel } }, reply) =>
      answerErrors(reply, STATUS, async () => {
        await removeChannel(site, channel, clock);
        return listChannels(site);
      }),
  );
  server.post<{ Params: { name: string } }>(
    `${path}/:name/test`,
    { config: { role: 'operator', act: 'channel test' }, schema: { params } },
    ({ params: { name: channel } }, reply) =>
      answerErrors(reply, STATUS, async () => {
        const left = new AbortController();
        reply.raw.once('close', () => left.abort());
        await testChannel(site, channel, { signal: left.signal }, clock);
        return { name: channel, delivered: true };
      }),
  );
}
