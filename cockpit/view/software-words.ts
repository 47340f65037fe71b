import type { GatewayView } from '#protocol/api.ts';
import { UNKNOWN } from './format.ts';
import type { DeploymentWords } from './gateway-words.ts';
import type { FleetCell } from './tone.ts';

/** What a gateway runs of its own program, in a word. */
export function softwareCell({ software, version }: GatewayView): FleetCell {
  const runs = software?.version ?? version ?? UNKNOWN;
  if (software === null || software.wanted === null) return { text: runs, tone: 'good' };
  switch (software.status) {
    case 'waiting':
    case 'fetching':
    case 'testing':
      return { text: `${runs} → ${software.wanted}`, tone: 'wait' };
    case 'refused':
      return { text: `${runs}, refused ${software.wanted}`, tone: 'bad' };
    case 'rolled-back':
      return { text: `${runs}, gave ${software.wanted} up`, tone: 'bad' };
    case 'active':
    case 'superseded':
    case null:
      return { text: runs, tone: 'good' };
  }
}

/** How far a release of its own program has come; null when there is nothing to tell. */
export function softwareWords({ software }: GatewayView): DeploymentWords | null {
  if (software === null || software.wanted === null) return null;
  const { wanted, status } = software;
  const detail = software.detail === null ? '' : ` ${software.detail}.`;
  const words = (tone: DeploymentWords['tone'], text: string) => ({ tone, text, progress: null });
  switch (status) {
    case 'waiting':
      return words('wait', `Software: ${wanted} waits for the gateway.`);
    case 'fetching':
      return words('wait', `Software: ${wanted} is being fetched.`);
    case 'testing':
      return words('wait', `Software: ${wanted} is on trial.`);
    case 'refused':
      return words('bad', `Software: refused ${wanted}; what ran goes on.${detail}`);
    case 'rolled-back':
      return words('bad', `Software: gave ${wanted} up; what ran before runs again.${detail}`);
    case 'active':
    case 'superseded':
    case null:
      return null;
  }
}
