import type { CameraView, GatewayView, SiteState } from '#protocol/api.ts';
import { EN, type Words } from '../words/en.ts';
import { cameraWords } from './camera-words.ts';
import { formatAge, formatCount, UNKNOWN } from './format.ts';
import { deploymentWords, gatewayWords, networkNames } from './gateway-words.ts';
import { settingsWords } from './settings-words.ts';
import { softwareCell } from './software-words.ts';
import type { FleetCell, Tone } from './tone.ts';

/** A gateway in a word each: what the table of the fleet shows. Texts only, so that a row that says the same needs no drawing. */
export type FleetRow = {
  readonly name: string;
  readonly state: FleetCell;
  readonly since: string;
  readonly network: FleetCell;
  readonly software: FleetCell;
  readonly settings: FleetCell;
  readonly cameras: FleetCell;
  readonly waiting: FleetCell;
  readonly certificate: FleetCell;
  /** The worst of all that. */
  readonly tone: Tone;
};

/** Worst first. */
const BY_NEED: readonly Tone[] = ['bad', 'warn', 'wait', 'off', 'good'];
const DAY_MS = 86_400_000;
const SOON_DAYS = 30;
/** So many answers on a disk are more than a link that is slow for a moment. */
const MANY_WAITING = 1000;

const CELLS = ['state', 'network', 'software', 'settings', 'cameras', 'waiting', 'certificate'] as const;

/** Every gateway of a site, whichever needs a hand first. */
export function fleetRows(site: SiteState, nowMs: number, words: Words = EN): readonly FleetRow[] {
  const cameras = Map.groupBy(site.cameras, ({ gateway }) => gateway);
  const rows = site.gateways.map((gateway) => {
    const cells = cellsOf(gateway, cameras.get(gateway.name) ?? [], nowMs, words);
    const tone = BY_NEED.find((one) => CELLS.some((cell) => cells[cell].tone === one)) ?? 'good';
    return { ...cells, tone };
  });
  const need = (tone: Tone) => BY_NEED.indexOf(tone);
  return rows.sort(
    (a, b) =>
      need(a.tone) - need(b.tone) ||
      need(a.state.tone) - need(b.state.tone) ||
      a.name.localeCompare(b.name, 'en'),
  );
}

function cellsOf(
  gateway: GatewayView,
  cameras: readonly CameraView[],
  nowMs: number,
  words: Words,
): Omit<FleetRow, 'tone'> {
  const { tone, word } = gatewayWords(gateway, words);
  const sinceMs = gateway.since === null ? Number.NaN : nowMs - Date.parse(gateway.since);
  const waiting = gateway.health?.outbox.waiting ?? null;
  return {
    name: gateway.name,
    state: { text: word, tone },
    since: Number.isFinite(sinceMs) ? coarseAge(sinceMs, words) : '',
    network: networkCell(gateway, words),
    software: softwareCell(gateway, words),
    settings: settingsCell(gateway, words),
    cameras: camerasCell(gateway, cameras, nowMs, words),
    waiting: {
      text: waiting === null ? UNKNOWN : formatCount(waiting),
      tone: waiting !== null && waiting >= MANY_WAITING ? 'warn' : 'good',
    },
    certificate: certificateCell(gateway, nowMs, words),
  };
}

/** In one unit, and no seconds: a table of sixty rows that ticks is not calm. */
function coarseAge(spanMs: number, words: Words): string {
  return spanMs < 60_000 ? words.gateways.fleet.moment : formatAge(spanMs, words).replace(/ (?=\d).*/, '');
}

function networkCell(gateway: GatewayView, words: Words): FleetCell {
  const deployment = deploymentWords(gateway, undefined, words);
  return { text: networkNames(gateway) || words.gateways.fleet.none, tone: deployment?.tone ?? 'good' };
}

function settingsCell(gateway: GatewayView, words: Words): FleetCell {
  const { settings, fleet } = words.gateways;
  const { configuration } = gateway;
  if (configuration === null) return { text: settings.ownFile, tone: 'good' };
  const told = settingsWords(gateway, words);
  const version = `v${configuration.version}`;
  if (told === null) return { text: version, tone: 'good' };
  const state =
    configuration.drift && configuration.status === 'applied'
      ? fleet.edited
      : settings.status[configuration.status];
  return { text: `${version} ${state}`, tone: told.tone };
}

function camerasCell(
  gateway: GatewayView,
  cameras: readonly CameraView[],
  nowMs: number,
  words: Words,
): FleetCell {
  if (cameras.length === 0) return { text: words.gateways.fleet.none, tone: 'off' };
  const tones = cameras
    .map(({ state, unusual }) => cameraWords(state, gateway.state !== 'offline', nowMs, unusual).tone)
    .filter((tone) => tone !== 'off' || gateway.state === 'offline');
  const good = tones.filter((tone) => tone === 'good').length;
  const worst = BY_NEED.find((tone) => tones.includes(tone)) ?? 'off';
  return { text: `${good}/${tones.length}`, tone: worst };
}

/** How long a certificate is still valid; a month before its end somebody should look why it was not renewed. */
function certificateCell({ certificateEnds }: GatewayView, nowMs: number, { gateways }: Words): FleetCell {
  if (certificateEnds === null) return { text: UNKNOWN, tone: 'good' };
  const days = Math.floor((Date.parse(certificateEnds) - nowMs) / DAY_MS);
  if (days < 0) return { text: gateways.panel.expired, tone: 'bad' };
  return { text: gateways.fleet.days(days), tone: days < SOON_DAYS ? 'warn' : 'good' };
}

/** Which rows a reader asked for. */
export type FleetFilter = { readonly words: string; readonly onlyNeedy: boolean };

/** Rows in which every word occurs, in any column. */
export function filterRows(
  rows: readonly FleetRow[],
  { words, onlyNeedy }: FleetFilter,
): readonly FleetRow[] {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  return rows.filter((row) => {
    if (onlyNeedy && !needsHand(row)) return false;
    const text = `${row.name} ${CELLS.map((cell) => row[cell].text).join(' ')}`.toLowerCase();
    return wanted.every((word) => text.includes(word));
  });
}

export function needsHand({ tone }: Pick<FleetRow, 'tone'>): boolean {
  return tone === 'bad' || tone === 'warn';
}
