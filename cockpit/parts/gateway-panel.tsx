import type { GatewayView } from '#protocol/api.ts';
import { useWords } from '../hooks/use-words.ts';
import { auditWords } from '../view/audit-words.ts';
import { formatAge, formatCount, UNKNOWN } from '../view/format.ts';
import { deploymentWords, gatewayWords, networkNames } from '../view/gateway-words.ts';
import { leakWords } from '../view/leak-words.ts';
import { gatewayLink } from '../view/route.ts';
import { runningSettings, settingsWords } from '../view/settings-words.ts';
import { softwareWords } from '../view/software-words.ts';
import type { Words } from '../words/en.ts';
import { Chip } from './chip.tsx';
import { Progress } from './progress.tsx';

type Panel = Words['gateways']['panel'];
type Row = readonly [
  name: { [Key in keyof Panel]: Panel[Key] extends string ? Key : never }[keyof Panel],
  value: string,
];

/** What is said of these is a sentence. */
const LONG: ReadonlySet<Row[0]> = new Set(['audited', 'key']);

/** One gateway: its connection, its health, what is waiting on its disk, and what it runs. */
export function GatewayPanel(props: {
  readonly gateway: GatewayView;
  readonly nowMs: number;
  /** Whether it is all there is to see of it; else its name leads to more. */
  readonly isWhole?: boolean;
}) {
  const { gateway, nowMs, isWhole = false } = props;
  const words = useWords();
  const { panel } = words.gateways;
  const { tone, word } = gatewayWords(gateway, words);
  const { health, held, quarantine } = gateway;
  const deployments = [undefined, ...gateway.beside.map(({ name }) => name)]
    .map((name) => deploymentWords(gateway, name, words))
    .filter((told) => told !== null);
  const settings = settingsWords(gateway, words);
  const software = softwareWords(gateway, words);
  const running = runningSettings(gateway, words);
  const sinceMs = gateway.since === null ? Number.NaN : nowMs - Date.parse(gateway.since);
  const percent = (value: number | null | undefined) =>
    value === null || value === undefined ? UNKNOWN : `${Math.round(value)} %`;
  const rows: readonly Row[] = [
    [gateway.beside.length > 0 ? 'networks' : 'network', networkNames(gateway) || UNKNOWN],
    ...(running === null ? [] : [['settings', running] as const]),
    ['software', gateway.software?.version ?? gateway.version ?? UNKNOWN],
    ['certificate', certificateWords(gateway, nowMs, words)],
    ['audited', auditWords(gateway, nowMs, words)],
    ...(gateway.leak === null ? [] : [['key', leakWords(gateway.leak, words)] as const]),
    ...(gateway.awaitsAuditSince === null ? [] : [['audit', panel.awaited] as const]),
    ['waiting', health === null ? UNKNOWN : formatCount(health.outbox.waiting)],
    ...(quarantine !== null || held.answers > 0 ? [['kept', formatCount(held.answers)] as const] : []),
    ['dropped', health === null ? UNKNOWN : formatCount(health.outbox.dropped)],
    ['processor', percent(health?.cpuPercent)],
    ['memory', percent(health?.memoryPercent)],
    ['disk', percent(health?.diskFreePercent)],
    [
      'temperature',
      typeof health?.temperatureCelsius === 'number'
        ? `${Math.round(health.temperatureCelsius)} °C`
        : UNKNOWN,
    ],
  ];
  return (
    <article
      class={`card gateway ${quarantine === null ? '' : 'is-quarantined'}`}
      aria-label={words.gateways.one(gateway.name)}
    >
      <header class="card-head">
        <h3>
          {isWhole ? (
            panel.state
          ) : (
            <a class="gateway-link" href={gatewayLink(gateway.name)}>
              {gateway.name}
            </a>
          )}
        </h3>
        <span>
          <Chip tone={tone}>{word}</Chip>
          {Number.isFinite(sinceMs) && <span class="quiet">{sinceWords(gateway, sinceMs, words)}</span>}
        </span>
      </header>
      {deployments.map((told) => (
        <Progress key={told.text} words={told} />
      ))}
      {settings !== null && <Progress words={settings} />}
      {software !== null && <Progress words={software} />}
      <dl class="stats">
        {rows.map(([name, value]) => (
          <div key={name} class={LONG.has(name) ? 'is-long' : undefined}>
            <dt>{panel[name]}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </article>
  );
}

function certificateWords({ certificateEnds }: GatewayView, nowMs: number, words: Words): string {
  const { panel } = words.gateways;
  if (certificateEnds === null) return UNKNOWN;
  const leftMs = Date.parse(certificateEnds) - nowMs;
  return leftMs < 0 ? panel.expired : panel.left(formatAge(leftMs, words));
}

function sinceWords(gateway: GatewayView, sinceMs: number, words: Words): string {
  const { panel } = words.gateways;
  const span = sinceMs < 1000 ? panel.moment : formatAge(sinceMs, words);
  return gateway.quarantine === null ? panel.since(span) : panel.stateSince(gateway.state, span);
}
