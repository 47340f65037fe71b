import type { SiteState } from '#protocol/api.ts';
import { formatCount, formatMoment } from './format.ts';
import { deploymentWords } from './gateway-words.ts';
import type { Tone } from './tone.ts';
import { withheldWords } from './withheld-words.ts';

/** A sentence at the top of the page: something a person should know now. */
export type Notice = { readonly key: string; readonly tone: Tone; readonly text: string };

/**
 * What needs attention, worst first; empty on a good day. The sentences name moments, not ages: they are read aloud when
 * they change, and must not change with every tick.
 */
export function notices(site: SiteState, nowMs: number): readonly Notice[] {
  const found: Notice[] = [];
  for (const gateway of site.gateways) {
    if (gateway.quarantine !== null) {
      found.push({
        key: `quarantined ${gateway.name}`,
        tone: 'bad',
        text: `Gateway ${gateway.name} is quarantined since ${formatMoment(Date.parse(gateway.quarantine.since), nowMs)}: it sent an answer that cannot be genuine (${withheldWords(gateway.quarantine.reason)}). Its answers stay unopened until somebody looks into it and releases it (npx blindsight gateway release ${gateway.name}).`,
      });
    }
  }
  if (!site.broker.connected) {
    found.push({
      key: 'broker',
      tone: 'bad',
      text: `The message broker is away (${site.broker.detail}). Gateways keep their answers until it is back.`,
    });
  }
  for (const gateway of site.gateways) {
    if (gateway.state === 'offline') {
      found.push({
        key: `offline ${gateway.name}`,
        tone: 'warn',
        text: `Gateway ${gateway.name} is offline${sinceWords(gateway.since, nowMs)}.`,
      });
    }
    const deployment = deploymentWords(gateway);
    if (deployment?.tone === 'bad' || deployment?.tone === 'warn') {
      found.push({
        key: `deployment ${gateway.name}`,
        tone: deployment.tone,
        text: `Gateway ${gateway.name}: ${deployment.text}`,
      });
    }
    const dropped = gateway.health?.outbox.dropped ?? 0;
    if (dropped > 0) {
      found.push({
        key: `dropped ${gateway.name}`,
        tone: 'warn',
        text: `Gateway ${gateway.name} was cut off for so long that it gave up ${formatCount(dropped)} of its oldest answers.`,
      });
    }
  }
  return found;
}

function sinceWords(since: string | null, nowMs: number): string {
  if (since === null) return '';
  const sinceMs = Date.parse(since);
  return Number.isNaN(sinceMs) ? '' : ` since ${formatMoment(sinceMs, nowMs)}`;
}
