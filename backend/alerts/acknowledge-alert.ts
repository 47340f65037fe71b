import type { AlertView } from '#protocol/alert.ts';
import { BlindsightError } from '#protocol/errors.ts';
import { type Clock, systemClock } from '#runtime/clock.ts';
import type { Site } from '../site.ts';

/**
 * Notes that somebody takes care of an alert. Of several who do so at once, one does, and the others learn who it was.
 *
 * @param by name of the person
 * @throws BlindsightError ALERT_NOT_FOUND, ALERT_ACKNOWLEDGED.
 */
export async function acknowledgeAlert(
  { store }: Pick<Site, 'store'>,
  id: number,
  by: string,
  clock: Clock = systemClock,
): Promise<AlertView> {
  const outcome = await store.alerts.acknowledge(id, by, clock.now());
  if (outcome === null) throw new BlindsightError('ALERT_NOT_FOUND', `there is no alert ${id}`);
  const { alert, first } = outcome;
  if (!first)
    throw new BlindsightError(
      'ALERT_ACKNOWLEDGED',
      `${alert.acknowledged?.by} acknowledged alert ${id} at ${alert.acknowledged?.at}`,
    );
  return alert;
}
