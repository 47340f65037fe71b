import type { FastifyInstance } from 'fastify';
import type { RekeyedNetwork, RekeyView } from '#protocol/api.ts';
import type { ErrorCode } from '#protocol/errors.ts';
import { NAME_PATTERN } from '#protocol/topics.ts';
import type { Clock } from '#runtime/clock.ts';
import { reprotectNetworks } from '../operations/reprotect-gateway.ts';
import type { Site } from '../site.ts';
import { answerErrors } from './answer-errors.ts';

const STATUS: Partial<Record<ErrorCode, number>> = {
  GATEWAY_NOT_FOUND: 404,
  MODEL_NOT_FOUND: 404,
  REKEY_NOTHING: 409,
  MODEL_RETIRED: 409,
  KEY_SET_SOURCE: 409,
  ANSWER_TOO_LARGE: 422,
};

const params = {
  type: 'object',
  properties: { gateway: { type: 'string', pattern: NAME_PATTERN.source } },
};
const body = {
  type: 'object',
  nullable: true,
  additionalProperties: false,
  properties: {
    reason: { type: 'string', minLength: 1, maxLength: 200 },
    graceSeconds: { type: 'number', minimum: 0, maximum: 30 * 86_400 },
  },
};

type Body = { readonly reason?: string; readonly graceSeconds?: number };

/** New keys for a gateway: the same operation as `blindsight gateway rekey`. The answer comes when they are released: after seconds to minutes. */
export function addRekeyRoutes(
  server: FastifyInstance,
  options: {
    readonly site: Pick<Site, 'name' | 'store' | 'vault' | 'blobs'>;
    readonly maxMessageBytes?: number;
    readonly clock: Clock;
  },
): void {
  const { site, maxMessageBytes, clock } = options;
  const size = maxMessageBytes === undefined ? {} : { maxMessageBytes };
  server.post<{ Params: { readonly gateway: string }; Body?: Body | null }>(
    '/api/gateways/:gateway/rekey',
    { config: { role: 'owner', act: 'gateway rekey' }, schema: { params, body } },
    ({ params: { gateway }, body: given }, reply) =>
      answerErrors(reply, STATUS, async (): Promise<RekeyView> => {
        const { reason = 'asked for by the owner', graceSeconds } = given ?? {};
        const grace = graceSeconds === undefined ? {} : { graceMs: graceSeconds * 1000 };
        const releases = await reprotectNetworks({ site, gateway, reason, ...grace, ...size, clock });
        const [first, ...others] = releases.map(
          ({ model, version, protection: keySet, counter }): RekeyedNetwork => ({
            ...{ model, version, keySet, release: counter },
          }),
        );
        return { gateway, ...first!, ...(others.length > 0 && { others }) };
      }),
  );
}
