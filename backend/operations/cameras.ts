import { BlindsightError } from '#protocol/errors.ts';
import { Name } from '#protocol/names.ts';
import { type Clock, systemClock } from '#runtime/clock.ts';
import type { Site } from '../site.ts';
import { findGateway } from './gateways.ts';

export type CameraClaim = {
  readonly camera: string;
  readonly gateway: string;
  /** The gateway does not have it any more, but still its name. */
  readonly retired: boolean;
};

/** All camera names that gateways hold, by name. */
export async function listCameras(site: Site): Promise<CameraClaim[]> {
  const claims = await site.store.cameras.claims();
  return claims.map(({ camera, gateway, retiredMs }) => ({ camera, gateway, retired: retiredMs !== null }));
}

/**
 * Gives the name of a camera to a gateway, in one step: another one that claims it, or has claimed it first, cannot come in between. What that one says
 * about the camera is refused from then on.
 *
 * @returns the gateway that had it, or null if none did
 * @throws BlindsightError NAME_INVALID, GATEWAY_NOT_FOUND
 */
export async function assignCamera(
  site: Site,
  camera: string,
  gateway: string,
  clock: Clock = systemClock,
): Promise<string | null> {
  if (!Name.safeParse(camera).success)
    throw new BlindsightError('NAME_INVALID', `“${camera}” cannot be the name of a camera`);
  const { name } = await findGateway(site, gateway);
  return site.store.transaction(async (store) => {
    const before = await store.cameras.assign(camera, name, clock.now());
    if (before === name) return before;
    const from = before === null ? '' : `, which had been ${before}'s`;
    await store.journal.add({
      timeMs: clock.now(),
      level: 'info',
      code: 'CAMERA_ASSIGNED',
      subject: camera,
      message: `camera ${camera}${from} belongs to gateway ${name} by its owner's word`,
    });
    return before;
  });
}

/**
 * Frees the name of a camera: the next gateway that announces it gets it. One that still has a camera of this name claims it again
 * when it connects.
 *
 * @returns the gateway that had it, or null if none did.
 */
export async function releaseCamera(
  site: Site,
  camera: string,
  clock: Clock = systemClock,
): Promise<string | null> {
  return site.store.transaction(async (store) => {
    const gateway = await store.cameras.release(camera);
    if (gateway === null) return null;
    await store.journal.add({
      timeMs: clock.now(),
      level: 'info',
      code: 'CAMERA_RELEASED',
      subject: camera,
      message: `camera ${camera} no longer belongs to gateway ${gateway}`,
    });
    return gateway;
  });
}
