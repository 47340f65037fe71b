import { BlindsightError } from '#protocol/errors.ts';
import { type Clock, systemClock } from '#runtime/clock.ts';
import { writeRevocations } from '../enrolment/write-revocations.ts';
import type { Site } from '../site.ts';
import { discardHeld } from './gateways.ts';
import { retireKeysOf } from './retire-keys-of.ts';

/**
 * Removes a gateway for good, for example one that was stolen: its answers are refused as those of an unknown one, its cameras are free
 * for others, and the embedded broker disconnects it within seconds. Its name cannot be used again. Its certificate goes on the revocation list
 * for other brokers. A run that was cut short can be repeated.
 *
 * @throws BlindsightError GATEWAY_NOT_FOUND.
 */
export async function removeGateway(site: Site, name: string, clock: Clock = systemClock): Promise<void> {
  const nowMs = clock.now();
  await site.store.transaction(async (store) => {
    if (!(await store.gateways.remove(name, nowMs))) {
      if ((await store.gateways.removed()).some((one) => one.name === name)) return;
      throw new BlindsightError('GATEWAY_NOT_FOUND', `no gateway ${name} is enrolled`);
    }
    await store.cameras.releaseAll(name);
    await discardHeld(store, name);
    await retireKeysOf(store, name, { nowMs, graceMs: 0, reason: 'the gateway was removed' });
    await store.journal.add({
      timeMs: nowMs,
      level: 'warn',
      code: 'GATEWAY_REMOVED',
      subject: name,
      message: `gateway ${name} was removed; nothing it sends is accepted any more`,
    });
  });
  await writeRevocations(site, nowMs);
}
