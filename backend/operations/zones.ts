import { BlindsightError } from '#protocol/errors.ts';
import { MAX_ZONES, Zone } from '#protocol/zone.ts';
import { type Clock, systemClock } from '#runtime/clock.ts';
import type { Site } from '../site.ts';

/** Least area of a zone, as a share of the picture: below it, no cell of a map can be in it. */
const LEAST_AREA = 1e-4;

type OpenSite = Pick<Site, 'store'>;

/** The zones of a camera, or of all cameras, by camera and name. */
export async function listZones(
  { store }: OpenSite,
  camera?: string,
): Promise<(Zone & { readonly camera: string })[]> {
  const all =
    camera === undefined ? await store.zones.all() : new Map([[camera, await store.zones.of(camera)]]);
  return [...all].flatMap(([name, zones]) => zones.map((zone) => ({ camera: name, ...zone })));
}

/**
 * Draws a zone in the picture of a camera. Answers from the next one on say how many of their points are in it.
 *
 * @throws BlindsightError CAMERA_NOT_FOUND; ZONE_INVALID for a name or corners that cannot be, or a zone too many; ZONE_EXISTS.
 */
export async function addZone(
  site: OpenSite,
  camera: string,
  zone: Zone,
  clock: Clock = systemClock,
): Promise<Zone> {
  const checked = checkZone(zone);
  await site.store.transaction(async (store) => {
    if ((await store.cameras.owner(camera)) === null) {
      const known = (await store.cameras.claims()).map((claim) => claim.camera).join(', ');
      throw new BlindsightError(
        'CAMERA_NOT_FOUND',
        `no gateway has a camera ${camera}; ${known === '' ? 'there are none yet' : `there are: ${known}`}`,
      );
    }
    if ((await store.zones.of(camera)).length >= MAX_ZONES)
      throw new BlindsightError(
        'ZONE_INVALID',
        `${camera} has ${MAX_ZONES} zones, and no camera may have more`,
      );
    if (!(await store.zones.add(camera, checked)))
      throw new BlindsightError(
        'ZONE_EXISTS',
        `${camera} has a zone ${zone.name}; remove it first to draw it anew`,
      );
    await store.journal.add({
      ...{ timeMs: clock.now(), level: 'info', code: 'ZONE_ADDED', subject: camera },
      message: `zone ${zone.name} was drawn in the picture of ${camera}, with ${zone.corners.length} corners`,
    });
  });
  return checked;
}

/** @throws BlindsightError ZONE_NOT_FOUND */
export async function removeZone(
  site: OpenSite,
  camera: string,
  name: string,
  clock: Clock = systemClock,
): Promise<void> {
  await site.store.transaction(async (store) => {
    if (!(await store.zones.remove(camera, name))) {
      const others = (await store.zones.of(camera)).map((zone) => zone.name).join(', ');
      throw new BlindsightError(
        'ZONE_NOT_FOUND',
        `${camera} has no zone ${name}; ${others === '' ? 'it has none' : `it has: ${others}`}`,
      );
    }
    await store.journal.add({
      ...{ timeMs: clock.now(), level: 'info', code: 'ZONE_REMOVED', subject: camera },
      message: `zone ${name} was removed from the picture of ${camera}`,
    });
  });
}

function checkZone(zone: Zone): Zone {
  const refuse = (why: string) => new BlindsightError('ZONE_INVALID', `zone ${zone.name}: ${why}`);
  const outside = zone.corners.findIndex((corner) => corner.some((value) => !(value >= 0 && value <= 1)));
  if (outside >= 0) {
    const corner = zone.corners[outside]!.join(',');
    throw refuse(
      `corner ${outside + 1} (${corner}) is outside of the picture, which goes from 0,0 (upper left) to 1,1 (lower right)`,
    );
  }
  const { data, error } = Zone.safeParse(zone);
  if (data === undefined) {
    const issue = error.issues[0]!;
    throw refuse(
      issue.path[0] === 'corners' ? `${zone.corners.length} corners: 3 to 16 are needed` : issue.message,
    );
  }
  if (areaOf(data) < LEAST_AREA)
    throw refuse('its corners enclose nothing; name them in order along its edge');
  return data;
}

/** Share of the picture within the corners, by Gauss's formula. */
function areaOf({ corners }: Zone): number {
  const twice = corners.reduce((sum, [x, y], i) => {
    const [nextX, nextY] = corners[(i + 1) % corners.length]!;
    return sum + x * nextY - nextX * y;
  }, 0);
  return Math.abs(twice) / 2;
}
