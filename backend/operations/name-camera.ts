import { BlindsightError } from '#protocol/errors.ts';
import { type Clock, systemClock } from '#runtime/clock.ts';
import type { Site } from '../site.ts';
import type { CameraNaming } from '../store/camera-names.ts';

const MOST = { name: 64, group: 40, groups: 8 } as const;
/** Neither control characters nor what turns the direction of a line. */
const PRINTABLE = /^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]*$/u;

/**
 * Says how people call a camera, or which groups it is in; what is not given stays.
 *
 * @param change an empty `displayName` takes its own name again, no `groups` take it out of all
 * @returns what holds then
 * @throws BlindsightError CAMERA_NOT_FOUND, CAMERA_NAME
 */
export async function nameCamera(
  site: Pick<Site, 'store'>,
  camera: string,
  change: { readonly displayName?: string; readonly groups?: readonly string[] },
  clock: Clock = systemClock,
): Promise<CameraNaming> {
  const displayName = change.displayName === undefined ? undefined : checked(change.displayName, MOST.name);
  const groups = change.groups?.map((group) => checked(group, MOST.group)).filter((group) => group !== '');
  if ((groups?.length ?? 0) > MOST.groups)
    throw new BlindsightError(
      'CAMERA_NAME',
      `${groups?.length} groups: a camera is in ${MOST.groups} at most`,
    );
  return site.store.transaction(async (store) => {
    if ((await store.cameras.owner(camera)) === null)
      throw new BlindsightError('CAMERA_NOT_FOUND', `no gateway has a camera ${camera}`);
    const before = await store.cameraNames.of(camera);
    const name = displayName ?? before.displayName ?? '';
    const sorted = [...new Set(groups ?? before.groups ?? [])].sort((a, b) => a.localeCompare(b, 'en'));
    const next: CameraNaming = {
      ...(name !== '' && { displayName: name }),
      ...(sorted.length > 0 && { groups: sorted }),
    };
    await store.cameraNames.set(camera, next);
    await store.journal.add({
      ...{ timeMs: clock.now(), level: 'info', code: 'CAMERA_NAMED', subject: camera },
      message: `camera ${camera} is called ${name === '' ? 'by its own name' : `“${name}”`}${sorted.length === 0 ? '' : `, in ${sorted.join(', ')}`}`,
    });
    return next;
  });
}

function checked(text: string, most: number): string {
  const trimmed = text.trim();
  if (trimmed.length > most || !PRINTABLE.test(trimmed))
    throw new BlindsightError(
      'CAMERA_NAME',
      `“${trimmed.slice(0, most).replace(/\p{C}/gu, '�')}” has ${trimmed.length} characters, or some that cannot be shown; at most ${most} can`,
    );
  return trimmed;
}
