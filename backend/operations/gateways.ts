import { BlindsightError } from '#protocol/errors.ts';
import { type Clock, systemClock } from '#runtime/clock.ts';
import type { Site } from '../site.ts';
import type { GatewayRecord } from '../store/gateways.ts';
import { quarantineGateway as quarantine } from '../store/quarantine-gateway.ts';
import type { Store } from '../store/store.ts';

/** Characters of a reason that are kept. */
const MAX_REASON = 300;

/** All enrolled gateways, by name. */
export function listGateways(site: Site): Promise<GatewayRecord[]> {
  return site.store.gateways.list();
}

/** @throws BlindsightError GATEWAY_NOT_FOUND. */
export async function findGateway(site: Pick<Site, 'store'>, name: string): Promise<GatewayRecord> {
  const gateway = await site.store.gateways.get(name);
  if (gateway === null) throw new BlindsightError('GATEWAY_NOT_FOUND', `no gateway ${name} is enrolled`);
  return gateway;
}

/**
 * Puts a gateway in quarantine at its owner's command.
 *
 * @param reason a sentence for the page and the journal.
 * @returns false if it was already in quarantine; the first reason stays.
 * @throws BlindsightError GATEWAY_NOT_FOUND.
 */
export async function quarantineGateway(
  site: Site,
  name: string,
  reason: string,
  clock: Clock = systemClock,
): Promise<boolean> {
  await findGateway(site, name);
  return quarantine(site.store, name, reason.trim().slice(0, MAX_REASON), clock.now());
}

export type Release = {
  /** False where it was not in quarantine. */
  readonly released: boolean;
  /** Answers that were kept of it. */
  readonly answers: number;
};

/**
 * Takes a gateway out of quarantine. The backend then decrypts its kept answers, after new ones, or they are discarded.
 *
 * @param discard throw away what was kept; it is counted as discarded.
 * @throws BlindsightError GATEWAY_NOT_FOUND.
 */
export async function releaseGateway(
  site: Site,
  name: string,
  { discard = false, clock = systemClock }: { discard?: boolean; clock?: Clock } = {},
): Promise<Release> {
  await findGateway(site, name);
  return site.store.transaction(async (store) => {
    const released = await store.gateways.release(name);
    const answers = discard ? await discardHeld(store, name) : await store.held.count(name);
    if (released) {
      await store.journal.add({
        timeMs: clock.now(),
        level: 'info',
        code: 'GATEWAY_RELEASED',
        subject: name,
        message: `gateway ${name} was released from quarantine; answers that were kept: ${answers}, ${discard ? 'discarded' : 'decrypted now'}`,
      });
    }
    return { released, answers };
  });
}

/** Throws away what was kept of a gateway, and counts it. Call it in a transaction. @returns how many. */
export async function discardHeld(store: Store, gateway: string): Promise<number> {
  const answers = await store.held.discard(gateway);
  if (answers > 0) await store.counters.add('refused.discarded', answers);
  return answers;
}
