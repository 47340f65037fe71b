import type { FastifyInstance } from 'fastify';
import type { AuditActView } from '#protocol/api.ts';
import { viewOf } from '../audit/view-of.ts';
import type { Store } from '../store/store.ts';

const MAX_ACTS = 1000;

type Query = {
  readonly limit: number;
  readonly before?: number;
  readonly since?: string;
  readonly actor?: string;
};

/** GET /api/audit: who did what, newest first. There is no other route: entries come from what is done. */
export function addAuditRoutes(server: FastifyInstance, store: Store): void {
  const querystring = {
    type: 'object',
    properties: {
      limit: { type: 'integer', minimum: 1, maximum: MAX_ACTS, default: 100 },
      before: { type: 'integer', minimum: 1, maximum: Number.MAX_SAFE_INTEGER },
      since: { type: 'string', format: 'date-time' },
      actor: { type: 'string', minLength: 1, maxLength: 100 },
    },
  };
  server.get<{ Querystring: Query }>(
    '/api/audit',
    { config: { role: 'owner' }, schema: { querystring } },
    async ({ query: { limit, before, since, actor } }): Promise<AuditActView[]> => {
      const acts = await store.audit.acts({
        limit,
        ...(before !== undefined && { before }),
        ...(since !== undefined && { sinceMs: Date.parse(since) }),
        ...(actor !== undefined && { actor }),
      });
      return acts.map(viewOf);
    },
  );
}
