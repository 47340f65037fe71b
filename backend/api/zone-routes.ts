import type { FastifyInstance } from 'fastify';
import type { ErrorCode } from '#protocol/errors.ts';
import { NAME_PATTERN } from '#protocol/topics.ts';
import type { Zone } from '#protocol/zone.ts';
import type { Clock } from '#runtime/clock.ts';
import { addZone, listZones, removeZone } from '../operations/zones.ts';
import type { Site } from '../site.ts';
import { answerErrors } from './answer-errors.ts';

const STATUS: Partial<Record<ErrorCode, number>> = {
  CAMERA_NOT_FOUND: 404,
  ZONE_NOT_FOUND: 404,
  ZONE_EXISTS: 409,
  ZONE_INVALID: 422,
};

const name = { type: 'string', pattern: NAME_PATTERN.source };
const body = {
  type: 'object',
  required: ['name', 'corners'],
  additionalProperties: false,
  properties: {
    name: { type: 'string', maxLength: 64 },
    // How many, and where, is checked where the command line's are, in the same words.
    corners: {
      type: 'array',
      maxItems: 100,
      items: { type: 'array', minItems: 2, maxItems: 2, items: { type: 'number' } },
    },
  },
};

type Camera = { readonly camera: string };

/** Zones of cameras: the same operations as `blindsight camera zone`. */
export function addZoneRoutes(
  server: FastifyInstance,
  { site, clock, onChange }: { site: Pick<Site, 'store'>; clock: Clock; onChange: () => void },
): void {
  const path = '/api/cameras/:camera/zones';
  const params = { type: 'object', properties: { camera: name, zone: name } };
  server.get<{ Params: Camera }>(path, { config: { role: 'viewer' }, schema: { params } }, ({ params }) =>
    site.store.zones.of(params.camera),
  );
  server.post<{ Params: Camera; Body: Zone }>(
    path,
    { config: { role: 'operator', act: 'camera zone add' }, schema: { params, body } },
    ({ params: { camera }, body: zone }, reply) =>
      answerErrors(reply, STATUS, async () => {
        const added = await addZone(site, camera, zone, clock);
        onChange();
        return { camera, ...added };
      }),
  );
  server.delete<{ Params: Camera & { readonly zone: string } }>(
    `${path}/:zone`,
    { config: { role: 'operator', act: 'camera zone remove' }, schema: { params } },
    ({ params: { camera, zone } }, reply) =>
      answerErrors(reply, STATUS, async () => {
        await removeZone(site, camera, zone, clock);
        onChange();
        return { camera, zones: await listZones(site, camera) };
      }),
  );
}
