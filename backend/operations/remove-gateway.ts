import { join } from 'node:path';
import { BlindsightError } from '#protocol/errors.ts';
import { type Clock, systemClock } from '#runtime/clock.ts';
import { writeFileAtomic } from '#runtime/files.ts';
import type { Site } from '../site.ts';

/** In the folder of a site: names that the embedded broker refuses, one a line. What `revoked` of broker.yaml names. */
export const REVOKED_FILE = 'revoked-gateways';

/**
 * Withdraws a gateway for good, for example one that was stolen: its answers are refused as those of an unknown one, its cameras are free
 * for others, and the embedded broker cuts it off within seconds. Its name cannot be used again. A run that was cut short can
 * be repeated.
 *
 * @throws BlindsightError GATEWAY_NOT_FOUND.
 */
export async function removeGateway(site: Site, name: string, clock: Clock = systemClock): Promise<void> {
  const nowMs = clock.now();
  await site.store.transaction(async (store) => {
    if (!(await store.gateways.remove(name, nowMs))) {
      if ((await store.gateways.removed()).includes(name)) return;
      throw new BlindsightError('GATEWAY_NOT_FOUND', `no gateway ${name} is enrolled`);
    }
    await store.cameras.releaseAll(name);
    await store.journal.add({
      timeMs: nowMs,
      level: 'warn',
      code: 'GATEWAY_REMOVED',
      subject: name,
      message: `gateway ${name} was removed; nothing of it is taken any more`,
    });
  });
  const names = await site.store.gateways.removed();
  await writeFileAtomic(join(site.dataDirectory, REVOKED_FILE), names.map((one) => `${one}\n`).join(''), {
    mode: 0o644,
  });
}
