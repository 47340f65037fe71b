import type { FastifyInstance } from 'fastify';
import { BlindsightError } from '#protocol/errors.ts';
import type { Clock } from '#runtime/clock.ts';
import type { AuditOutcome } from '../auditor/audit-task.ts';
import { setAuditor } from '../auditor/auditor-key.ts';
import type { RemoteAuditor } from '../auditor/remote-auditor.ts';
import type { Site } from '../site.ts';
import { refuse } from './security.ts';

const KEY_BYTES = 32;
/** Pieces in which parts of networks are fetched. */
export const PART_PIECE_BYTES = 4 * 2 ** 20;
/** The longest that a request for a job waits for one. */
const MAX_WAIT_SECONDS = 30;

export type AuditorRoutesOptions = {
  readonly site: Pick<Site, 'store' | 'blobs'>;
  /** Null where the backend audits answers itself. */
  readonly auditor: RemoteAuditor | null;
  readonly clock: Clock;
};

const digest = { type: 'string', pattern: '^[0-9a-f]{64}$' };
const id = { type: 'string', pattern: '^[0-9a-f]{32}$' };

/** What `blindsight auditor` asks: its key is noted in the audit log, its verdicts are in the journal where they matter. */
export function addAuditorRoutes(
  server: FastifyInstance,
  { site, auditor, clock }: AuditorRoutesOptions,
): void {
  const config = { role: 'auditor', notesItself: true } as const;
  server.addHook('preHandler', async (request, reply) => {
    if (auditor === null && request.routeOptions.config.role === 'auditor')
      return refuse(reply, 409, 'AUDITOR_NOT_WANTED', 'the backend of this site audits answers itself');
  });
  addKeyRoute(server, site, clock);
  server.get<{ Querystring: { seconds: number; shared: boolean; gathered: boolean } }>(
    '/api/auditor/job',
    {
      config,
      schema: {
        querystring: {
          type: 'object',
          properties: {
            seconds: { type: 'integer', minimum: 0, maximum: MAX_WAIT_SECONDS, default: MAX_WAIT_SECONDS },
            // Said by auditors that know answers about several cameras.
            shared: { type: 'boolean', default: false },
            // And those that know answers that are gathered.
            gathered: { type: 'boolean', default: false },
          },
        },
      },
    },
    async ({ query: { seconds, ...knows } }, reply) => {
      const left = new AbortController();
      reply.raw.once('close', () => left.abort());
      const offered = await auditor!.offer(seconds * 1000, left.signal, knows);
      if (offered === null) return reply.code(204).send();
      const { place, answer, opening, parts } = offered.job;
      return { id: offered.id, place, answer, opening: Buffer.from(opening).toString('base64'), parts };
    },
  );
  server.get<{ Params: { sha256: string }; Querystring: { offset: number } }>(
    '/api/auditor/parts/:sha256',
    {
      config,
      schema: {
        params: { type: 'object', properties: { sha256: digest } },
        querystring: {
          type: 'object',
          properties: { offset: { type: 'integer', minimum: 0, maximum: 2 ** 40, default: 0 } },
        },
      },
    },
    async ({ params: { sha256 }, query: { offset } }, reply) => {
      if (!auditor!.needs(sha256))
        return refuse(
          reply,
          404,
          'API_REQUEST_INVALID',
          'this is no part of the network that is audited now',
        );
      reply.type('application/octet-stream');
      return Buffer.from(await site.blobs.read(sha256, offset, PART_PIECE_BYTES));
    },
  );
  server.put<{ Params: { id: string }; Body: { readonly outcome: AuditOutcome } }>(
    '/api/auditor/verdicts/:id',
    {
      config,
      schema: {
        params: { type: 'object', properties: { id } },
        body: {
          type: 'object',
          required: ['outcome'],
          properties: { outcome: { enum: ['equal', 'unequal', 'no-opening'] } },
        },
      },
    },
    async ({ params, body }, reply) =>
      reply.code(auditor!.settle(params.id, body.outcome) ? 204 : 410).send(),
  );
}

function addKeyRoute(server: FastifyInstance, site: AuditorRoutesOptions['site'], clock: Clock): void {
  server.put<{ Body: { readonly key: string } }>(
    '/api/auditor/key',
    {
      config: { role: 'auditor', act: 'auditor key' },
      schema: {
        body: {
          type: 'object',
          required: ['key'],
          properties: { key: { type: 'string', pattern: '^[A-Za-z0-9_-]{43}$' } },
        },
      },
    },
    async ({ body, identity }, reply) => {
      const key = new Uint8Array(Buffer.from(body.key, 'base64url'));
      if (key.length !== KEY_BYTES) return refuse(reply, 400, 'API_REQUEST_INVALID', 'the key has 32 bytes');
      try {
        await setAuditor(site.store, key, identity?.name ?? '', clock.now());
      } catch (error) {
        if (!(error instanceof BlindsightError) || error.code !== 'AUDITOR_KEY_CHANGED') throw error;
        return refuse(reply, 409, error.code, error.message);
      }
      return reply.code(204).send();
    },
  );
}
