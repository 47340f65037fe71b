import { BlindsightError } from '#protocol/errors.ts';
import { Name } from '#protocol/names.ts';
import type { Site } from '../site.ts';
import { findGateway } from './gateways.ts';

const MAX_GROUPS = 32;

/**
 * Replaces the groups that a gateway is in; none takes it out of all.
 *
 * @returns the groups as they are then, sorted
 * @throws BlindsightError GATEWAY_NOT_FOUND, GATEWAY_GROUP.
 */
export async function groupGateway(
  site: Pick<Site, 'store'>,
  name: string,
  groups: readonly string[],
): Promise<readonly string[]> {
  await findGateway(site, name);
  const gateways = new Set((await site.store.gateways.list()).map((gateway) => gateway.name));
  if (groups.length > MAX_GROUPS) throw invalid(`at most ${MAX_GROUPS} groups go`);
  for (const group of groups) {
    if (!Name.safeParse(group).success) throw invalid(`“${group}” cannot be the name of a group`);
    if (group === 'all') throw invalid('all stands for every gateway already');
    if (gateways.has(group)) throw invalid(`${group} is the name of a gateway`);
  }
  await site.store.gateways.setGroups(name, groups);
  return (await findGateway(site, name)).groups;
}

const invalid = (message: string) => new BlindsightError('GATEWAY_GROUP', message);
