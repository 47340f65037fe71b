import { BlindsightError } from '#protocol/errors.ts';
import type { Clock } from '#runtime/clock.ts';
import { systemClock } from '#runtime/clock.ts';
import type { Site } from '../site.ts';
import type { GatewayRecord } from '../store/gateways.ts';

/** All enrolled gateways, by name. */
export function listGateways(site: Site): Promise<GatewayRecord[]> {
  return site.store.gateways.list();
}

/** @throws BlindsightError GATEWAY_NOT_FOUND. */
export async function findGateway(site: Site, name: string): Promise<GatewayRecord> {
  const gateway = await site.store.gateways.get(name);
  if (gateway === null) throw new BlindsightError('GATEWAY_NOT_FOUND', `no gateway ${name} is enrolled`);
  return gateway;
}

/**
 * Takes a gateway out of quarantine: its answers are decrypted again. What came in between stays refused.
 *
 * @returns false where it was not in quarantine.
 * @throws BlindsightError GATEWAY_NOT_FOUND.
 */
export async function releaseGateway(site: Site, name: string, clock: Clock = systemClock): Promise<boolean> {
  await findGateway(site, name);
  return site.store.transaction(async (store) => {
    if (!(await store.gateways.release(name))) return false;
    await store.journal.add({
      timeMs: clock.now(),
      level: 'info',
      code: 'GATEWAY_RELEASED',
      subject: name,
      message: `gateway ${name} was released from quarantine`,
    });
    return true;
  });
}
