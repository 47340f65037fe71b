import type { GatewayView } from '#protocol/api.ts';
import { type DeploymentWords, errorWords } from './gateway-words.ts';

/** What the gateway made of the settings that were pushed to it; null when there is nothing to tell. */
export function settingsWords({ configuration }: GatewayView): DeploymentWords | null {
  if (configuration === null) return null;
  const { version, status, error, running, drift } = configuration;
  const runs = running === null || running === 0 ? 'its own file' : `version ${running}`;
  const words = (tone: DeploymentWords['tone'], text: string) => ({
    tone,
    text: text.trim(),
    progress: null,
  });
  switch (status) {
    case 'pending':
      return words('wait', `Settings: version ${version} waits for the gateway.`);
    case 'received':
      return words('wait', `Settings: version ${version} is being tried.`);
    case 'rejected':
      return words('bad', `Settings: refused version ${version}; ${runs} stays. ${errorWords(error)}`);
    case 'reverted':
      return words('bad', `Settings: gave version ${version} up; ${runs} runs again. ${errorWords(error)}`);
    default:
      return drift ? words('warn', `Settings: agent.yaml was edited on the gateway; ${runs} goes on.`) : null;
  }
}

/** Which settings run, for a row of numbers. */
export function runningSettings({ configuration }: GatewayView): string | null {
  if (configuration === null || configuration.running === null) return null;
  return configuration.running === 0 ? 'own file' : `v${configuration.running}`;
}
