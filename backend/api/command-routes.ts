import type { FastifyInstance, FastifyReply } from 'fastify';
import type { CommandRequest } from '#protocol/api.ts';
import { COMMAND_ID } from '#protocol/command.ts';
import { BlindsightError, type ErrorCode } from '#protocol/errors.ts';
import type { Role } from '#protocol/roles.ts';
import { NAME_PATTERN } from '#protocol/topics.ts';
import type { Clock } from '#runtime/clock.ts';
import { listCommands, readContent, showCommand, viewCommand } from '../command/describe-commands.ts';
import { sendCommand } from '../command/send-command.ts';
import type { Site } from '../site.ts';

const name = { type: 'string', pattern: NAME_PATTERN.source };
const gatewayParams = { type: 'object', properties: { gateway: name } };
const commandParams = {
  type: 'object',
  properties: { gateway: name, id: { type: 'string', pattern: COMMAND_ID.source } },
};
const body = {
  type: 'object',
  required: ['type'],
  additionalProperties: false,
  properties: {
    type: { type: 'string', maxLength: 32 },
    // What each command takes is checked where the command line's is, in the same words.
    arguments: { type: 'object', additionalProperties: true },
    author: { type: 'string', minLength: 1, maxLength: 100 },
  },
};

const STATUS: Partial<Record<ErrorCode, number>> = {
  GATEWAY_NOT_FOUND: 404,
  COMMAND_NOT_FOUND: 404,
  COMMAND_BUSY: 409,
  COMMAND_INVALID: 422,
};

/** Endings of the files that a browser saves. */
const ENDINGS: Readonly<Record<string, string>> = {
  'application/gzip': 'tar.gz',
  'application/x-ndjson': 'jsonl',
};

type Gateway = { readonly gateway: string };
type One = Gateway & { readonly id: string };

/** Commands to gateways: the same operations as `blindsight gateway restart` and its siblings. Errors are JSON with the same codes and sentences. */
export function addCommandRoutes(
  server: FastifyInstance,
  site: Pick<Site, 'name' | 'store' | 'vault'>,
  clock: Clock,
): void {
  const path = '/api/gateways/:gateway/commands';
  const config: { readonly role: Role } = { role: 'operator' };
  server.post<{ Params: Gateway; Body: CommandRequest }>(
    path,
    { config, schema: { params: gatewayParams, body } },
    ({ params: { gateway }, body: { type, arguments: given = {}, author: named }, identity }, reply) =>
      answer(reply, async () => {
        // Who is logged in is known better than who one says to be.
        const author = identity?.name ?? named ?? 'the API';
        const record = await sendCommand({ site, gateway, type, arguments: given, author, clock });
        reply.code(202);
        return viewCommand(record);
      }),
  );
  server.get<{ Params: Gateway }>(
    path,
    { config, schema: { params: gatewayParams } },
    ({ params: { gateway } }, reply) => answer(reply, () => listCommands(site, gateway)),
  );
  server.get<{ Params: One }>(
    `${path}/:id`,
    { config, schema: { params: commandParams } },
    ({ params: { gateway, id } }, reply) => answer(reply, () => showCommand(site, gateway, id)),
  );
  server.get<{ Params: One }>(
    `${path}/:id/content`,
    { config, schema: { params: commandParams } },
    ({ params: { gateway, id } }, reply) =>
      answer(reply, async () => {
        const { mediaType, bytes } = await readContent(site, gateway, id);
        const ending = ENDINGS[mediaType];
        // What a gateway calls its content is a word of its own, so only known ones are passed on, and none is shown in place.
        reply.type(ending === undefined ? 'application/octet-stream' : mediaType);
        reply.header(
          'Content-Disposition',
          `attachment; filename="${gateway}-${id.slice(0, 8)}.${ending ?? 'bin'}"`,
        );
        return Buffer.from(bytes);
      }),
  );
}

async function answer(reply: FastifyReply, work: () => Promise<unknown>): Promise<unknown> {
  try {
    return await work();
  } catch (error) {
    const status = error instanceof BlindsightError ? STATUS[error.code] : undefined;
    if (status === undefined) throw error;
    const { code, message } = error as BlindsightError;
    return reply.code(status).send({ error: { code, message } });
  }
}
