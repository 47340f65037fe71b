import type { FastifyInstance } from 'fastify';
import type { ErrorCode } from '#protocol/errors.ts';
import { NAME_PATTERN } from '#protocol/topics.ts';
import type { Clock } from '#runtime/clock.ts';
import { nameCamera } from '../operations/name-camera.ts';
import type { Site } from '../site.ts';
import { answerErrors } from './answer-errors.ts';

const STATUS: Partial<Record<ErrorCode, number>> = { CAMERA_NOT_FOUND: 404, CAMERA_NAME: 422 };

type Naming = { readonly displayName?: string; readonly groups?: readonly string[] };

/** What people call a camera: the same operation as `blindsight camera name` and `camera group`. */
export function addCameraRoutes(
  server: FastifyInstance,
  { site, clock, onChange }: { site: Pick<Site, 'store'>; clock: Clock; onChange: () => void },
): void {
  server.put<{ Params: { readonly camera: string }; Body: Naming }>(
    '/api/cameras/:camera',
    {
      config: { role: 'operator', act: 'camera name' },
      schema: {
        params: { type: 'object', properties: { camera: { type: 'string', pattern: NAME_PATTERN.source } } },
        body: {
          type: 'object',
          additionalProperties: false,
          properties: {
            displayName: { type: 'string', maxLength: 200 },
            groups: { type: 'array', maxItems: 100, items: { type: 'string', maxLength: 200 } },
          },
        },
      },
    },
    ({ params: { camera }, body }, reply) =>
      answerErrors(reply, STATUS, async () => {
        const naming = await nameCamera(site, camera, body, clock);
        onChange();
        return { camera, ...naming };
      }),
  );
}
