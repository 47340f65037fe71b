import type { GatewayView } from '#protocol/api.ts';
import { auditWords } from '../view/audit-words.ts';
import { formatAge, formatCount, UNKNOWN } from '../view/format.ts';
import { deploymentWords, gatewayWords, networkNames } from '../view/gateway-words.ts';
import { leakWords } from '../view/leak-words.ts';
import { gatewayLink } from '../view/route.ts';
import { runningSettings, settingsWords } from '../view/settings-words.ts';
import { softwareWords } from '../view/software-words.ts';
import { Chip } from './chip.tsx';
import { Progress } from './progress.tsx';

/** What is said of these is a sentence. */
const LONG: ReadonlySet<string> = new Set(['Audited', 'Key']);

/** One gateway: its connection, its health, what is waiting on its disk, and what it runs. */
export function GatewayPanel(props: {
  readonly gateway: GatewayView;
  readonly nowMs: number;
  /** Whether it is all there is to see of it; else its name leads to more. */
  readonly isWhole?: boolean;
}) {
  const { gateway, nowMs, isWhole = false } = props;

  const { tone, word } = gatewayWords(gateway);
  const { health, held, quarantine } = gateway;
  const deployments = [undefined, ...gateway.beside.map(({ name }) => name)]
    .map((name) => deploymentWords(gateway, name))
    .filter((words) => words !== null);
  const settings = settingsWords(gateway);
  const software = softwareWords(gateway);
  const running = runningSettings(gateway);
  const sinceMs = gateway.since === null ? Number.NaN : nowMs - Date.parse(gateway.since);
  const percent = (value: number | null | undefined) =>
    value === null || value === undefined ? UNKNOWN : `${Math.round(value)} %`;
  const rows: readonly (readonly [string, string])[] = [
    [gateway.beside.length > 0 ? 'Networks' : 'Network', networkNames(gateway) || UNKNOWN],
    ...(running === null ? [] : [['Settings', running] as const]),
    ['Software', gateway.software?.version ?? gateway.version ?? UNKNOWN],
    ['Certificate', certificateWords(gateway, nowMs)],
    ['Audited', auditWords(gateway, nowMs)],
    ...(gateway.leak === null ? [] : [['Key', leakWords(gateway.leak)] as const]),
    ...(gateway.awaitsAuditSince === null ? [] : [['Audit', 'Waiting for one'] as const]),
    ['Waiting', health === null ? UNKNOWN : formatCount(health.outbox.waiting)],
    ...(quarantine !== null || held.answers > 0 ? [['Kept', formatCount(held.answers)] as const] : []),
    ['Dropped', health === null ? UNKNOWN : formatCount(health.outbox.dropped)],
    ['Processor', percent(health?.cpuPercent)],
    ['Memory', percent(health?.memoryPercent)],
    ['Disk free', percent(health?.diskFreePercent)],
    [
      'Temperature',
      typeof health?.temperatureCelsius === 'number'
        ? `${Math.round(health.temperatureCelsius)} °C`
        : UNKNOWN,
    ],
  ];
  return (
    <article
      class={`card gateway ${quarantine === null ? '' : 'is-quarantined'}`}
      aria-label={`Gateway ${gateway.name}`}
    >
      <header class="card-head">
        <h3>
          {isWhole ? (
            'State'
          ) : (
            <a class="gateway-link" href={gatewayLink(gateway.name)}>
              {gateway.name}
            </a>
          )}
        </h3>
        <span>
          <Chip tone={tone}>{word}</Chip>
          {Number.isFinite(sinceMs) && <span class="quiet">{sinceWords(gateway, sinceMs)}</span>}
        </span>
      </header>
      {deployments.map((words) => (
        <Progress key={words.text} words={words} />
      ))}
      {settings !== null && <Progress words={settings} />}
      {software !== null && <Progress words={software} />}
      <dl class="stats">
        {rows.map(([name, value]) => (
          <div key={name} class={LONG.has(name) ? 'is-long' : undefined}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </article>
  );
}

function certificateWords({ certificateEnds }: GatewayView, nowMs: number): string {
  if (certificateEnds === null) return UNKNOWN;
  const leftMs = Date.parse(certificateEnds) - nowMs;
  return leftMs < 0 ? 'expired' : `${formatAge(leftMs)} left`;
}

function sinceWords(gateway: GatewayView, sinceMs: number): string {
  const span = sinceMs < 1000 ? 'a moment' : formatAge(sinceMs);
  return gateway.quarantine === null ? `for ${span}` : `${gateway.state} for ${span}`;
}
