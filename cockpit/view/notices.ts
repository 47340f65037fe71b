import type { EndingCertificate, GatewayView, SiteState } from '#protocol/api.ts';
import type { Withheld } from '#protocol/withheld.ts';
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
export function notices(site: SiteState, nowMs: number, words: Words = EN): readonly Notice[] {
  const { need, notices: says } = words;
  const found: Notice[] = [];
  for (const gateway of site.gateways) {
    if (gateway.quarantine !== null) {
      found.push({
        key: `quarantined ${gateway.name}`,
        title: need.quarantined(gateway.name),
        tone: 'bad',
        text: quarantineText(site, gateway, gateway.quarantine, nowMs, words),
      });
    }
  }
  if (site.trouble !== undefined) {
    const { code, message, since } = site.trouble;
    const moment = formatMoment(Date.parse(since), nowMs, words);
    found.push({
      key: 'trouble',
      title: need.trouble,
      tone: 'bad',
      text: `${says.trouble(moment, message)} ${actionFor(code)}`.trim(),
    });
  }
  if (!site.broker.connected) {
    const text = says.broker(site.broker.detail);
    found.push({ key: 'broker', title: need.broker, tone: 'bad', text });
  }
  for (const gateway of site.gateways) found.push(...gatewayNotices(site, gateway, nowMs, words));
  for (const certificate of site.endingCertificates) {
    const { owner, name } = certificate;
    found.push({
      key: `certificate ${owner} ${name}`,
      title: need.certificate(owner === 'gateway' ? name : says.certificate.owners[owner]),
      tone: Date.parse(certificate.ends) > nowMs ? 'warn' : 'bad',
      text: certificateText(site, certificate, nowMs, words),
    });
  }
  return found;
}

/** What is wrong with one gateway, apart from a quarantine. */
function gatewayNotices(
  site: SiteState,
  gateway: GatewayView,
  nowMs: number,
  words: Words,
): readonly Notice[] {
  const { need, notices: says } = words;
  const { name } = gateway;
  const found: Notice[] = [];
  const add = (what: string, tone: Tone, title: string, text: string | null) => {
    if (text !== null) found.push({ key: `${what} ${name}`, tone, title, text });
  };
  if (gateway.state === 'offline')
    add('offline', 'bad', need.offline(name), says.offline(name, sinceWords(gateway.since, nowMs, words)));
  if (gateway.runsTwiceSince !== null) {
    const twice = says.twice(name, sinceWords(gateway.runsTwiceSince, nowMs, words));
    add('twice', 'warn', need.twice(name), `${twice} ${actionFor('GATEWAY_RUNS_TWICE')}`);
  }
  add('leak', 'warn', need.leak(name), leakText(site, gateway, words));
  add('clock', 'warn', need.clock(name), clockText(gateway, words));
  const deployment = deploymentWords(gateway, undefined, words);
  if (deployment?.tone === 'bad' || deployment?.tone === 'warn')
    add('deployment', deployment.tone, need.deployment(name), says.ofGateway(name, deployment.text));
  const trouble = gateway.state === 'offline' ? undefined : gateway.health?.outbox.trouble;
  if (trouble !== undefined) {
    // A newer gateway may send a code that this backend does not know.
    const text = `${trouble.message}. ${actionFor(trouble.code) || `(${trouble.code})`}`;
    add('trouble', 'bad', need.disk(name), says.ofGateway(name, text));
  }
  const dropped = gateway.health?.outbox.dropped ?? 0;
  if (dropped > 0) add('dropped', 'warn', need.dropped(name), says.dropped(name, formatCount(dropped)));
  return found;
}

function certificateText(
  site: SiteState,
  { owner, name, ends }: EndingCertificate,
  nowMs: number,
  words: Words,
): string {
  const { certificate: says } = words.notices;
  const endsMs = Date.parse(ends);
  const whose = owner === 'gateway' ? says.ofGateway(name) : says.owners[owner];
  const action =
    owner === 'gateway'
      ? says.renewsItself(siteCommand(site, `gateway replace ${name}`))
      : says.renew(siteCommand(site, 'site renew'), owner === 'backend');
  return `${says.ends(whose, endsMs <= nowMs, formatMoment(endsMs, nowMs, words))} ${action}`;
}

/** Clocks that differ by less cause no trouble. */
const WRONG_CLOCK_MS = 60_000;
/** The backend refuses answers dated further in the future. */
const REFUSED_AHEAD_MS = 120_000;

/** What a wrong clock does to the page, and what to do; null if it is right. */
function clockText({ name, clockOffsetMs }: GatewayView, words: Words): string | null {
  if (clockOffsetMs === null || Math.abs(clockOffsetMs) < WRONG_CLOCK_MS) return null;
  const { clock } = words.notices;
  const span = formatAge(Math.abs(clockOffsetMs), words);
  const isAhead = clockOffsetMs > 0;
  const ahead = clockOffsetMs > REFUSED_AHEAD_MS ? clock.future : clock.dated;
  const [side, effect] = isAhead ? [clock.ahead, ahead] : [clock.behind, clock.older];
  return `${side(name, span)} ${effect} ${clock.action}`;
}

function quarantineText(
  site: SiteState,
  { name, held }: GatewayView,
  { since, reason }: { readonly since: string; readonly reason: string },
  nowMs: number,
  words: Words,
): string {
  const { quarantine: says } = words.notices;
  const why = Object.hasOwn(words.withheldReasons, reason)
    ? words.withheldReasons[reason as Withheld]
    : reason;
  const dropped = held.dropped > 0 ? says.dropped(formatCount(held.dropped)) : '';
  return [
    says.since(name, formatMoment(Date.parse(since), nowMs, words), why),
    says.kept(formatCount(held.answers), dropped),
    says.action(siteCommand(site, `gateway release ${name}`)),
  ].join(' ');
}

/** That answers may have told much of a gateway's key; null while they have not. In words and without a number: those change with every answer. */
function leakText({ auditShare }: SiteState, { name, leak }: GatewayView, words: Words): string | null {
  if (leak === null || leak.state === 'safe') return null;
  const { leak: says } = words.notices;
  const isSpent = leak.state === 'spent';
  const next = auditShare === 0 ? says.audit : isSpent ? says.spent : says.later;
  return `${says.told(name, isSpent)} ${next}`;
}

function sinceWords(since: string | null, nowMs: number, words: Words): string {
  if (since === null) return '';
  const sinceMs = Date.parse(since);
  return Number.isNaN(sinceMs) ? '' : words.notices.since(formatMoment(sinceMs, nowMs, words));
}
