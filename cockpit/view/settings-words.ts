import type { GatewayView } from '#protocol/api.ts';
import { EN, type Words } from '../words/en.ts';
import { type DeploymentWords, errorWords } from './gateway-words.ts';

/** What the gateway made of the settings that were pushed to it; null when there is nothing to tell. */
export function settingsWords(
  { configuration }: GatewayView,
  { gateways: { settings } }: Pick<Words, 'gateways'> = EN,
): DeploymentWords | null {
  if (configuration === null) return null;
  const { version, status, error, running, drift } = configuration;
  const runs = running === null || running === 0 ? settings.itsFile : settings.version(running);
  const words = (tone: DeploymentWords['tone'], text: string) => ({
    tone,
    text: text.trim(),
    progress: null,
  });
  switch (status) {
    case 'pending':
      return words('wait', settings.pending(version));
    case 'received':
      return words('wait', settings.received(version));
    case 'rejected':
      return words('bad', `${settings.rejected(version, runs)} ${errorWords(error)}`);
    case 'reverted':
      return words('bad', `${settings.reverted(version, runs)} ${errorWords(error)}`);
    default:
      return drift ? words('warn', settings.drift(runs)) : null;
  }
}

/** Which settings run, for a row of numbers. */
export function runningSettings(
  { configuration }: GatewayView,
  { gateways: { settings } }: Pick<Words, 'gateways'> = EN,
): string | null {
  if (configuration === null || configuration.running === null) return null;
  return configuration.running === 0 ? settings.ownFile : `v${configuration.running}`;
}
