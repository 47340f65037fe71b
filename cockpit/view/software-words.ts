import type { GatewayView } from '#protocol/api.ts';
import { EN, type Words } from '../words/en.ts';
import { UNKNOWN } from './format.ts';
import type { DeploymentWords } from './gateway-words.ts';
import type { FleetCell } from './tone.ts';

/** What a gateway runs of its own program, in a word. */
export function softwareCell(
  { software, version }: GatewayView,
  { gateways }: Pick<Words, 'gateways'> = EN,
): FleetCell {
  const runs = software?.version ?? version ?? UNKNOWN;
  if (software === null || software.wanted === null) return { text: runs, tone: 'good' };
  switch (software.status) {
    case 'waiting':
    case 'fetching':
    case 'testing':
      return { text: `${runs} → ${software.wanted}`, tone: 'wait' };
    case 'refused':
      return { text: gateways.software.refusedCell(runs, software.wanted), tone: 'bad' };
    case 'rolled-back':
      return { text: gateways.software.gaveUpCell(runs, software.wanted), tone: 'bad' };
    case 'active':
    case 'superseded':
    case null:
      return { text: runs, tone: 'good' };
  }
}

/** How far a release of its own program has come; null when there is nothing to tell. */
export function softwareWords(
  { software }: GatewayView,
  { gateways: { software: says } }: Pick<Words, 'gateways'> = EN,
): DeploymentWords | null {
  if (software === null || software.wanted === null) return null;
  const { wanted, status } = software;
  const detail = software.detail === null ? '' : ` ${software.detail}.`;
  const words = (tone: DeploymentWords['tone'], text: string) => ({ tone, text, progress: null });
  switch (status) {
    case 'waiting':
      return words('wait', says.waiting(wanted));
    case 'fetching':
      return words('wait', says.fetching(wanted));
    case 'testing':
      return words('wait', says.testing(wanted));
    case 'refused':
      return words('bad', `${says.refused(wanted)}${detail}`);
    case 'rolled-back':
      return words('bad', `${says.rolledBack(wanted)}${detail}`);
    case 'active':
    case 'superseded':
    case null:
      return null;
  }
}
