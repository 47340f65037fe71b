import type { EndingCertificate, GatewayView, SiteState } from '#protocol/api.ts';
import { withheldWords } from '#protocol/withheld.ts';
import { EN, type Words } from '../words/en.ts';
import { formatAge, formatCount, formatMoment } from './format.ts';
import { actionFor, deploymentWords } from './gateway-words.ts';
import { siteCommand } from './site-command.ts';
import type { Tone } from './tone.ts';

/** Something a person should know now, at the top of the page: in a few words, and in a sentence that says what to do. */
export type Notice = {
  readonly key: string;
  readonly tone: Tone;
  readonly title: string;
  readonly text: string;
};

/**
 * What needs attention, worst first; empty on a good day. The sentences name moments, not ages: screen readers read them out when
 * they change, so they must not change with every tick.
 */
export function notices(
  site: SiteState,
  nowMs: number,
  { need }: Pick<Words, 'need'> = EN,
): readonly Notice[] {
  const found: Notice[] = [];
  for (const gateway of site.gateways) {
    if (gateway.quarantine !== null) {
      found.push({
        key: `quarantined ${gateway.name}`,
        title: need.quarantined(gateway.name),
        tone: 'bad',
        text: quarantineText(site, gateway, gateway.quarantine, nowMs),
      });
    }
  }
  if (site.trouble !== undefined) {
    const { code, message, since } = site.trouble;
    found.push({
      key: 'trouble',
      title: need.trouble,
      tone: 'bad',
      text: `Since ${formatMoment(Date.parse(since), nowMs)}: ${message}. ${actionFor(code)}`.trim(),
    });
  }
  if (!site.broker.connected) {
    found.push({
      key: 'broker',
      title: need.broker,
      tone: 'bad',
      text: `The message broker is unreachable (${site.broker.detail}). Gateways keep their answers until it is back.`,
    });
  }
  for (const gateway of site.gateways) found.push(...gatewayNotices(site, gateway, nowMs, need));
  for (const certificate of site.endingCertificates) {
    found.push({
      key: `certificate ${certificate.owner} ${certificate.name}`,
      title: need.certificate(certificate.owner === 'gateway' ? certificate.name : certificate.owner),
      tone: Date.parse(certificate.ends) > nowMs ? 'warn' : 'bad',
      text: certificateText(site, certificate, nowMs),
    });
  }
  return found;
}

/** What is wrong with one gateway, apart from a quarantine. */
function gatewayNotices(
  site: SiteState,
  gateway: GatewayView,
  nowMs: number,
  need: Words['need'],
): readonly Notice[] {
  const found: Notice[] = [];
  if (gateway.state === 'offline') {
    found.push({
      key: `offline ${gateway.name}`,
      title: need.offline(gateway.name),
      tone: 'bad',
      text: `Gateway ${gateway.name} is offline${sinceWords(gateway.since, nowMs)}.`,
    });
  }
  if (gateway.runsTwiceSince !== null) {
    found.push({
      key: `twice ${gateway.name}`,
      title: need.twice(gateway.name),
      tone: 'warn',
      text: `Gateway ${gateway.name} is running twice${sinceWords(gateway.runsTwiceSince, nowMs)}: two processes with its identity keep disconnecting each other. ${actionFor('GATEWAY_RUNS_TWICE')}`,
    });
  }
  const leak = leakText(site, gateway);
  if (leak !== null)
    found.push({
      ...{ key: `leak ${gateway.name}`, tone: 'warn' },
      title: need.leak(gateway.name),
      text: leak,
    });
  const clock = clockWords(gateway);
  if (clock !== null)
    found.push({
      ...{ key: `clock ${gateway.name}`, tone: 'warn' },
      title: need.clock(gateway.name),
      text: clock,
    });
  const deployment = deploymentWords(gateway);
  if (deployment?.tone === 'bad' || deployment?.tone === 'warn') {
    found.push({
      key: `deployment ${gateway.name}`,
      title: need.deployment(gateway.name),
      tone: deployment.tone,
      text: `Gateway ${gateway.name}: ${deployment.text}`,
    });
  }
  const trouble = gateway.state === 'offline' ? undefined : gateway.health?.outbox.trouble;
  if (trouble !== undefined) {
    found.push({
      key: `trouble ${gateway.name}`,
      title: need.disk(gateway.name),
      tone: 'bad',
      // A newer gateway may send a code that this backend does not know.
      text: `Gateway ${gateway.name}: ${trouble.message}. ${actionFor(trouble.code) || `(${trouble.code})`}`,
    });
  }
  const dropped = gateway.health?.outbox.dropped ?? 0;
  if (dropped > 0) {
    found.push({
      key: `dropped ${gateway.name}`,
      title: need.dropped(gateway.name),
      tone: 'warn',
      text: `Gateway ${gateway.name} lost ${formatCount(dropped)} answers before they could be sent: it was offline for too long, or its disk was full. Its log says when.`,
    });
  }
  return found;
}

function certificateText(site: SiteState, { owner, name, ends }: EndingCertificate, nowMs: number): string {
  const whose = owner === 'gateway' ? `gateway ${name}` : `the ${owner}`;
  const verb = Date.parse(ends) > nowMs ? 'expires' : 'expired';
  const action =
    owner === 'gateway'
      ? `It renews itself while the gateway is connected. If that fails, run ${siteCommand(site, `gateway replace ${name}`)} and enrol its machine again.`
      : `Run ${siteCommand(site, 'site renew')}${owner === 'backend' ? ', and restart the backend' : ''}.`;
  return `The certificate of ${whose} ${verb} on ${formatMoment(Date.parse(ends), nowMs)}: from then on it cannot be used to connect. ${action}`;
}

/** Clocks that differ by less cause no trouble. */
const WRONG_CLOCK_MS = 60_000;
/** The backend refuses answers dated further in the future. */
const REFUSED_AHEAD_MS = 120_000;

/** What a wrong clock does to the page, and what to do; null if it is right. */
function clockWords({ name, clockOffsetMs }: GatewayView): string | null {
  if (clockOffsetMs === null || Math.abs(clockOffsetMs) < WRONG_CLOCK_MS) return null;
  const [side, effect] =
    clockOffsetMs > REFUSED_AHEAD_MS
      ? [
          'ahead of',
          'Until it is corrected, its answers are refused and lost, because they are dated in the future.',
        ]
      : clockOffsetMs > 0
        ? ['ahead of', 'Until it is corrected, its pictures are dated by when their answers arrive.']
        : [
            'behind',
            'Until it is corrected, its answers look older than they are; those that look too old are refused and lost.',
          ];
  return `The clock of gateway ${name} is ${formatAge(Math.abs(clockOffsetMs))} ${side} the backend’s. ${effect} Find out which of the two is wrong, and turn on time synchronization there (sudo timedatectl set-ntp true).`;
}

function quarantineText(
  site: SiteState,
  { name, held }: GatewayView,
  { since, reason }: { readonly since: string; readonly reason: string },
  nowMs: number,
): string {
  const dropped = held.dropped > 0 ? ` (${formatCount(held.dropped)} older ones had to be dropped)` : '';
  return (
    `Gateway ${name} has been in quarantine since ${formatMoment(Date.parse(since), nowMs)}: ${withheldWords(reason)}. ` +
    `Its answers are kept unopened, ${formatCount(held.answers)} so far${dropped}. Once you have looked into it, ` +
    `open them with “${siteCommand(site, `gateway release ${name}`)}”, or discard them by adding “--discard”.`
  );
}

/** That answers may have told much of a gateway's key; null while they have not. In words and without a number: those change with every answer. */
function leakText({ auditShare }: SiteState, { name, leak }: GatewayView): string | null {
  if (leak === null || leak.state === 'safe') return null;
  const told = `Answers of gateway ${name} may have told ${leak.state === 'spent' ? 'half' : 'a quarter'} of its key to somebody who controls it and reads them. `;
  if (auditShare === 0)
    return `${told}Turn audits on (audit.share), or new keys would be spent as soon; then give it new keys on its page.`;
  return `${told}${leak.state === 'spent' ? 'It gets new keys; its page can give it some, too.' : 'At half of it, it gets new keys by itself.'}`;
}

function sinceWords(since: string | null, nowMs: number): string {
  if (since === null) return '';
  const sinceMs = Date.parse(since);
  return Number.isNaN(sinceMs) ? '' : ` (since ${formatMoment(sinceMs, nowMs)})`;
}
