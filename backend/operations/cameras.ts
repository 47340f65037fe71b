import { type Clock, systemClock } from '#runtime/clock.ts';
import type { Site } from '../site.ts';

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
