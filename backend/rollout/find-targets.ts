import { BlindsightError } from '#protocol/errors.ts';
import type { GatewayRecord } from '../store/gateways.ts';
import type { Store } from '../store/store.ts';

/** Every gateway of the site. */
export const ALL = 'all';

/**
 * The gateways that names stand for: each is a gateway, a group, or `all`.
 *
 * @returns each gateway once, in the order of the names, those of a group by name
 * @throws BlindsightError ROLLOUT_TARGET where a name stands for nothing or for two things, or nobody is left
 */
export async function findTargets(store: Store, names: readonly string[]): Promise<GatewayRecord[]> {
  const gateways = await store.gateways.list();
  const found = new Map<string, GatewayRecord>();
  for (const name of names) {
    for (const gateway of gatewaysOf(name, gateways)) found.set(gateway.name, gateway);
  }
  if (found.size === 0) throw new BlindsightError('ROLLOUT_TARGET', 'no gateway is named');
  return [...found.values()];
}

function gatewaysOf(name: string, gateways: readonly GatewayRecord[]): readonly GatewayRecord[] {
  const group = name === ALL ? gateways : gateways.filter(({ groups }) => groups.includes(name));
  const one = gateways.filter((gateway) => gateway.name === name);
  if (one.length > 0 && (name === ALL || group.length > 0))
    throw new BlindsightError(
      'ROLLOUT_TARGET',
      `${name} is a gateway and a group: name the gateways instead`,
    );
  if (one.length === 0 && group.length === 0)
    throw new BlindsightError('ROLLOUT_TARGET', nobody(name, gateways));
  return one.length > 0 ? one : group;
}

function nobody(name: string, gateways: readonly GatewayRecord[]): string {
  if (gateways.length === 0) return 'no gateway is enrolled';
  const groups = [...new Set(gateways.flatMap((gateway) => gateway.groups))].sort();
  const there = groups.length === 0 ? 'no groups' : `the groups ${groups.join(', ')}`;
  return `${name} is neither a gateway nor a group; there are ${there}`;
}
