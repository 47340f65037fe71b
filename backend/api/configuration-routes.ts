import type { FastifyInstance, FastifyReply } from 'fastify';
import { SETTINGS_MAX_BYTES } from '#protocol/configuration.ts';
import type { ErrorCode } from '#protocol/errors.ts';
import { NAME_PATTERN } from '#protocol/topics.ts';
import {
  listConfigurations,
  showConfiguration,
  summarize,
} from '../configuration/describe-configurations.ts';
import { previewConfiguration } from '../configuration/preview-configuration.ts';
import {
  type Pushed,
  pushConfiguration,
  rollBackConfiguration,
} from '../configuration/push-configuration.ts';
import { settingsSchema } from '../configuration/settings-schema.ts';
import type { Site } from '../site.ts';
import { answerErrors } from './answer-errors.ts';
import { authorOf } from './author-of.ts';

/** Settings as JSON, in which each byte may take six, and credentials. */
const BODY_BYTES = 6 * SETTINGS_MAX_BYTES + 64 * 1024;

const PATH = '/api/gateways/:gateway/configuration';

const name = { type: 'string', pattern: NAME_PATTERN.source };
const params = { type: 'object', properties: { gateway: name } };
const version = { type: 'integer', minimum: 1, maximum: Number.MAX_SAFE_INTEGER };
const author = { type: 'string', minLength: 1, maxLength: 100 };
const credentials = { type: 'object', additionalProperties: { type: 'string', maxLength: 512 } };
const expectedVersion = { ...version, minimum: 0 };

const STATUS: Partial<Record<ErrorCode, number>> = {
  GATEWAY_NOT_FOUND: 404,
  CONFIGURATION_NOT_FOUND: 404,
  CONFIGURATION_CONFLICT: 409,
  CONFIG_INVALID: 422,
  CAMERA_TAKEN: 422,
  CAMERA_ADDRESS: 422,
  CONFIGURATION_CREDENTIAL: 422,
  CONFIGURATION_INVALID: 422,
  SEALING_KEY_MISSING: 422,
};

type Params = { readonly gateway: string };
type PushBody = {
  readonly settings: string;
  readonly expectedVersion: number;
  readonly credentials?: Readonly<Record<string, string>>;
  readonly author?: string;
};
type PreviewBody = {
  readonly settings: string;
  readonly credentials?: Readonly<Record<string, string>>;
  readonly against?: number;
};
type RollbackBody = { readonly version: number; readonly expectedVersion: number; readonly author?: string };

/** Settings of gateways: the same operations as `blindsight gateway config`. Errors are JSON with the same codes and sentences. */
export function addConfigurationRoutes(
  server: FastifyInstance,
  site: Pick<Site, 'name' | 'store' | 'vault'>,
): void {
  addEditorRoutes(server, site);
  server.get<{ Params: Params; Querystring: { version?: number } }>(
    PATH,
    {
      config: { role: 'integrator' },
      schema: { params, querystring: { type: 'object', properties: { version } } },
    },
    ({ params: { gateway }, query }, reply) =>
      answer(reply, () => showConfiguration(site, gateway, query.version)),
  );
  server.get<{ Params: Params }>(
    `${PATH}/history`,
    { config: { role: 'integrator' }, schema: { params } },
    ({ params: { gateway } }, reply) => answer(reply, () => listConfigurations(site, gateway)),
  );
  const pushBody = {
    type: 'object',
    // Two open pages must not undo each other's changes: a push says which version it was based on.
    required: ['settings', 'expectedVersion'],
    additionalProperties: false,
    properties: {
      settings: { type: 'string' },
      expectedVersion,
      author,
      credentials,
    },
  };
  server.put<{ Params: Params; Body: PushBody }>(
    PATH,
    {
      bodyLimit: BODY_BYTES,
      config: { role: 'operator', act: 'gateway config push' },
      schema: { params, body: pushBody },
    },
    ({ params: { gateway }, body, identity }, reply) =>
      answer(reply, async () => {
        const { settings, credentials = {} } = body;
        const by = authorOf(identity, body.author);
        const pushed = await pushConfiguration({
          ...{ site, gateway, settings, author: by, origin: 'settings' },
          expectedVersion: body.expectedVersion,
          credentials: new Map(Object.entries(credentials)),
        });
        return accepted(reply, pushed);
      }),
  );
  const rollbackBody = {
    type: 'object',
    required: ['version', 'expectedVersion'],
    additionalProperties: false,
    properties: { version, expectedVersion, author },
  };
  server.post<{ Params: Params; Body: RollbackBody }>(
    `${PATH}/rollback`,
    { config: { role: 'operator', act: 'gateway config rollback' }, schema: { params, body: rollbackBody } },
    ({ params: { gateway }, body, identity }, reply) =>
      answer(reply, async () => {
        const { author: named, ...versions } = body;
        const by = authorOf(identity, named);
        return accepted(reply, await rollBackConfiguration({ site, gateway, author: by, ...versions }));
      }),
  );
}

/** What a push would do, and what the page needs to make a form; both change nothing. */
function addEditorRoutes(server: FastifyInstance, site: Pick<Site, 'name' | 'store'>): void {
  const schema = settingsSchema();
  server.get('/api/configuration/schema', { config: { role: 'viewer' } }, () => schema);
  const body = {
    type: 'object',
    required: ['settings'],
    additionalProperties: false,
    properties: { settings: { type: 'string' }, against: version, credentials },
  };
  server.post<{ Params: Params; Body: PreviewBody }>(
    `${PATH}/preview`,
    {
      bodyLimit: BODY_BYTES,
      schema: { params, body },
      // It keeps nothing, and the page asks it with every change that somebody types.
      config: { role: 'operator', notesItself: true },
    },
    ({ params: { gateway }, body: { settings, against, credentials = {} } }, reply) =>
      answer(reply, () =>
        previewConfiguration({
          ...{
            site,
            gateway,
            settings,
            origin: 'settings',
            credentials: new Map(Object.entries(credentials)),
          },
          ...(against !== undefined && { against }),
        }),
      ),
  );
}

/** GET and the state of the site show what becomes of it. */
function accepted(reply: FastifyReply, { record, warnings }: Pushed) {
  reply.code(202);
  return { ...summarize(record), warnings };
}

function answer(reply: FastifyReply, work: () => Promise<unknown>): Promise<unknown> {
  return answerErrors(reply, STATUS, work);
}
