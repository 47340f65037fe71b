import type { FastifyInstance, FastifyReply } from 'fastify';
import type { ErrorCode } from '#protocol/errors.ts';
import { NAME_PATTERN } from '#protocol/topics.ts';
import type { NetworkPlace } from '../operations/network-place.ts';
import {
  abortRollout,
  findRollout,
  pauseRollout,
  resumeRollout,
  takeBackRollout,
} from '../rollout/control-rollout.ts';
import { listRollouts, viewRollout } from '../rollout/rollout-views.ts';
import { type RolloutSubject, startRollout } from '../rollout/start-rollout.ts';
import type { Site } from '../site.ts';
import { listSoftware } from '../software/software-views.ts';
import type { RolloutRecord } from '../store/rollouts.ts';
import { answerErrors } from './answer-errors.ts';
import { authorOf } from './author-of.ts';

/** Names of many gateways. */
const BODY_BYTES = 64 * 1024;
const MOST = 2 ** 31 - 1;

const STATUS: Partial<Record<ErrorCode, number>> = {
  MODEL_NOT_FOUND: 404,
  SOFTWARE_NOT_FOUND: 404,
  ROLLOUT_NOT_FOUND: 404,
  MODEL_RETIRED: 409,
  KEYS_UNDECIDED: 422,
  ROLLOUT_CONFLICT: 409,
  ROLLOUT_STATE: 409,
  ANSWER_TOO_LARGE: 422,
  GATEWAY_MACHINE: 422,
  ROLLOUT_TARGET: 422,
  ROLLOUT_WAVES: 422,
  ROLLOUT_LIMIT: 422,
  GATEWAY_TOO_OLD: 422,
  GATEWAY_NETWORKS: 422,
};

const name = { type: 'string', pattern: NAME_PATTERN.source };
const params = { type: 'object', properties: { id: { type: 'integer', minimum: 1, maximum: MOST } } };
const author = { type: 'string', minLength: 1, maxLength: 100 };
const seconds = { type: 'number', minimum: 1, maximum: MOST };
const pace = {
  waves: { type: 'array', maxItems: 20, items: { type: 'string', maxLength: 8 } },
  limitSeconds: seconds,
  totalSeconds: seconds,
  maxFailures: { type: 'integer', minimum: 0, maximum: MOST },
  instead: { type: 'boolean' },
  keys: { enum: ['per-gateway', 'common'] },
};
const place = { enum: ['default', 'beside'] };

type Pace = {
  readonly waves?: readonly string[];
  readonly limitSeconds?: number;
  readonly totalSeconds?: number;
  readonly maxFailures?: number;
  readonly instead?: boolean;
  /** Of a network: keys of its own for each gateway, or one key pair for all. */
  readonly keys?: 'per-gateway' | 'common';
};
type Authored = { readonly author?: string };
type StartBody = Pace &
  Authored & {
    readonly kind: 'model' | 'software';
    /** Of the network. */
    readonly name?: string;
    /** A number of the network, the newest where left out; or a version of the software. */
    readonly version?: string;
    /** Of the network on each gateway; where left out, where it is already, or else the default one. */
    readonly place?: NetworkPlace;
    readonly to: readonly string[];
  };
type Params = { readonly id: number };

/** Rollouts and software: the same operations as `blindsight rollout` and `software list`. Errors are JSON with the same codes and sentences. */
export function addRolloutRoutes(
  server: FastifyInstance,
  options: { readonly site: Pick<Site, 'name' | 'store' | 'vault'>; readonly maxMessageBytes?: number },
): void {
  const { site, maxMessageBytes } = options;
  const { store } = site;
  server.get('/api/software', { config: { role: 'viewer' } }, () => listSoftware(store));
  server.get('/api/rollouts', { config: { role: 'viewer' } }, () => listRollouts(store));
  server.get<{ Params: Params }>(
    '/api/rollouts/:id',
    { config: { role: 'viewer' }, schema: { params } },
    ({ params: { id } }, reply) =>
      answerErrors(reply, STATUS, async () => viewRollout(store, await findRollout(site, id))),
  );
  const startBody = {
    type: 'object',
    required: ['kind', 'to'],
    additionalProperties: false,
    if: { properties: { kind: { const: 'model' } } },
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
    then: {
      required: ['name'],
      properties: { version: { type: 'string', pattern: '^[1-9][0-9]{0,8}$' }, place },
    },
    else: { required: ['version'], properties: { place: false } },
    properties: {
      kind: { enum: ['model', 'software'] },
      name,
      version: { type: 'string', minLength: 1, maxLength: 64 },
      to: { type: 'array', minItems: 1, items: name },
      author,
      place,
      ...pace,
    },
  };
  server.post<{ Body: StartBody }>(
    '/api/rollouts',
    { bodyLimit: BODY_BYTES, config: { role: 'owner', act: 'rollout start' }, schema: { body: startBody } },
    ({ body, identity }, reply) => {
      const { to } = body;
      const by = authorOf(identity, body.author);
      const size = maxMessageBytes === undefined ? {} : { maxMessageBytes };
      return begun(reply, () =>
        startRollout({
          site,
          what: subjectOf(body),
          to,
          author: by,
          ...size,
          ...paceOf(body),
          ...placeOf(body),
        }),
      );
    },
  );
  const byBody = { type: 'object', nullable: true, additionalProperties: false, properties: { author } };
  for (const [act, role, work] of [
    ['pause', 'operator', pauseRollout],
    ['resume', 'operator', resumeRollout],
    ['abort', 'owner', abortRollout],
  ] as const) {
    server.post<{ Params: Params; Body?: Authored | null }>(
      `/api/rollouts/:id/${act}`,
      { config: { role, act: `rollout ${act}` }, schema: { params, body: byBody } },
      ({ params: { id }, body, identity }, reply) =>
        answerErrors(reply, STATUS, async () =>
          viewRollout(store, await work({ site, id, author: authorOf(identity, body?.author) })),
        ),
    );
  }
  server.post<{ Params: Params; Body?: (Pace & Authored) | null }>(
    '/api/rollouts/:id/back',
    {
      config: { role: 'owner', act: 'rollout back' },
      schema: { params, body: { ...byBody, properties: { author, ...pace } } },
    },
    ({ params: { id }, body, identity }, reply) =>
      begun(reply, () =>
        takeBackRollout({ site, id, author: authorOf(identity, body?.author), ...paceOf(body ?? {}) }),
      ),
  );

  /** GET and the state of the site show what becomes of it. */
  function begun(reply: FastifyReply, start: () => Promise<RolloutRecord>): Promise<unknown> {
    return answerErrors(reply, STATUS, async () => {
      const view = await viewRollout(store, await start());
      reply.code(202);
      return view;
    });
  }
}

function subjectOf({ kind, name: model = '', version }: StartBody): RolloutSubject {
  if (kind === 'software') return { kind, version: version ?? '' };
  return { kind, name: model, ...(version !== undefined && { version: Number(version) }) };
}

function placeOf({ place }: StartBody): { readonly place?: NetworkPlace } {
  return place === undefined ? {} : { place };
}

function paceOf({ waves, limitSeconds, totalSeconds, maxFailures, instead, keys }: Pace) {
  return {
    ...(keys !== undefined && { keys }),
    ...(waves !== undefined && { waves }),
    ...(limitSeconds !== undefined && { limitMs: Math.round(limitSeconds * 1000) }),
    ...(totalSeconds !== undefined && { totalMs: Math.round(totalSeconds * 1000) }),
    ...(maxFailures !== undefined && { maxFailures }),
    ...(instead !== undefined && { instead }),
  };
}
