import type {
  CameraView,
  Counters,
  GatewayAudit,
  GatewayView,
  ModelView,
  SiteState,
  WantedModel,
} from '#protocol/api.ts';
import type { CameraState, GatewayState, Health, Reported, Result } from '#protocol/messages.ts';
import { MAX_REGIONS } from '#protocol/names.ts';
import type { Situation } from '#protocol/situation.ts';
import type { Clock } from '#runtime/clock.ts';
import { configurationViews } from '../configuration/configuration-views.ts';
import { leakViews } from '../leak/leak-views.ts';
import { openRollouts } from '../rollout/rollout-views.ts';
import { gatewaySoftware } from '../software/software-views.ts';
import type { AuditCounts } from '../store/challenges.ts';
import type { HeldUsage } from '../store/held.ts';
import type { ModelRecord } from '../store/models.ts';
import type { Store } from '../store/store.ts';
import { type Arrival, GatewayPresence } from './gateway-presence.ts';
import { TwinWatch } from './twin-watch.ts';

/** An answer about a picture further in the future was stored while the backend's own clock was wrong. */
const FUTURE_MS = 5000;

const HOUR_MS = 3_600_000;

/** An audit that takes no longer is the usual one. */
const LATE_AUDIT_MS = 30_000;

type GatewayMemory = {
  readonly presence: GatewayPresence;
  readonly twins: TwinWatch;
  version: string | null;
  health: Health | null;
  reported: Reported | null;
};

/**
 * The site as the cockpit sees it: what gateways say (in memory, because it is retained or repeated) over what the store
 * knows. Cameras that are not owned by the gateway that speaks of them do not get in.
 */
export class SiteView {
  readonly #site: string;
  readonly #commandLine: string;
  readonly #auditShare: number;
  readonly #situationsOf: (camera: string) => readonly Situation[];
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #gateways = new Map<string, GatewayMemory>();
  readonly #cameras = new Map<string, CameraState>();
  /** By {@link resultKey}. */
  readonly #results = new Map<string, Result>();
  #broker: SiteState['broker'] = { connected: false, detail: 'not connected yet' };
  #endingCertificates: SiteState['endingCertificates'] = [];
  readonly #begun: Arrival;

  /**
   * @param commandLine see {@link SiteState}
   * @param auditShare likewise
   * @param situationsOf what is there now at a camera
   */
  constructor(
    site: string,
    store: Store,
    clock: Clock,
    commandLine = 'blindsight …',
    auditShare = 0,
    situationsOf: (camera: string) => readonly Situation[] = () => [],
  ) {
    this.#situationsOf = situationsOf;
    this.#auditShare = auditShare;
    this.#commandLine = commandLine;
    this.#site = site;
    this.#store = store;
    this.#clock = clock;
    this.#begun = this.#now();
  }

  /** Reads the newest answer of each camera, so that the page is not empty after a restart. */
  async load(): Promise<void> {
    const untilMs = this.#clock.now();
    for (const { camera } of await this.#store.cameras.list()) {
      const result = await this.#store.results.latest(camera, untilMs);
      const regions = await this.#store.results.latestRegions(camera, untilMs);
      for (const one of result === null ? regions : [result, ...regions]) this.setResult(one);
    }
  }

  get brokerConnected(): boolean {
    return this.#broker.connected;
  }

  get broker(): SiteState['broker'] {
    return this.#broker;
  }

  setBroker(connected: boolean, detail: string): void {
    this.#broker = { connected, detail };
  }

  setEndingCertificates(ending: SiteState['endingCertificates']): void {
    this.#endingCertificates = ending;
  }

  #gateway(name: string): GatewayMemory {
    let memory = this.#gateways.get(name);
    if (memory === undefined) {
      memory = {
        presence: new GatewayPresence(this.#begun),
        twins: new TwinWatch(),
        version: null,
        health: null,
        reported: null,
      };
      this.#gateways.set(name, memory);
    }
    return memory;
  }

  setGatewayState(gateway: string, state: GatewayState, arrival: Arrival = this.#now()): void {
    this.#gateway(gateway).presence.announced(state, arrival);
  }

  /** Notes that a gateway said something, whatever it was; see {@link GatewayPresence.heard}. */
  heard(gateway: string, arrival: Arrival, time?: string, session?: number): void {
    this.#gateway(gateway).presence.heard(arrival, time, session);
  }

  setVersion(gateway: string, version: string): void {
    this.#gateway(gateway).version = version;
  }

  /** @returns whether it is known only now that the gateway runs twice; see {@link TwinWatch}. */
  setHealth(gateway: string, health: Health, arrival: Arrival = this.#now()): boolean {
    const memory = this.#gateway(gateway);
    memory.health = health;
    return memory.twins.heard(health.uptimeSeconds, arrival);
  }

  /** What a gateway last said that became of what it was sent; null before it did. */
  reportedOf(gateway: string): Reported | null {
    return this.#gateways.get(gateway)?.reported ?? null;
  }

  setReported(gateway: string, reported: Reported): void {
    this.#gateway(gateway).reported = reported;
  }

  setCameraState(state: CameraState): void {
    this.#cameras.set(state.camera, state);
  }

  /** @returns whether this is the newest answer of its camera or region. */
  setResult(result: Result): boolean {
    const key = resultKey(result.camera, result.region);
    const before = this.#results.get(key);
    if (
      before !== undefined &&
      !this.#isFuture(before) &&
      Date.parse(before.frameTime) > Date.parse(result.frameTime)
    )
      return false;
    this.#results.set(key, result);
    return true;
  }

  #now(): Arrival {
    return { atMs: this.#clock.now(), monotonicMs: this.#clock.monotonic(), retained: false };
  }

  #isFuture(result: Result): boolean {
    return Date.parse(result.frameTime) > this.#clock.now() + FUTURE_MS;
  }

  /** Newest answer of each camera and region. */
  latestResults(): Result[] {
    return [...this.#results.values()];
  }

  /**
   * Forgets answers that are not the present of anything: of cameras that are not there any more, and of regions that the camera does not
   * answer about. Of a camera whose gateway has not said what it answers about, the newest regions stay, as many as it may have: a
   * gateway that invents names must not fill the memory.
   */
  async forgetGone(): Promise<void> {
    const known = [...this.#results].sort(
      ([, a], [, b]) => Date.parse(b.frameTime) - Date.parse(a.frameTime),
    );
    const listed = new Set((await this.#store.cameras.list()).map(({ camera }) => camera));
    const kept = new Map<string, number>();
    for (const [key, result] of known) {
      const { camera, region } = result;
      const count = kept.get(camera) ?? 0;
      const stays = listed.has(camera) && this.answersAbout(camera, region) && count < MAX_REGIONS;
      if (stays && region !== undefined) kept.set(camera, count + 1);
      // Not one that came meanwhile, perhaps of a camera that came with it.
      if (!stays && this.#results.get(key) === result) this.#results.delete(key);
    }
  }

  /** Whether a camera answers about a region, or its entire picture; also where its gateway has not said. */
  answersAbout(camera: string, region: string | undefined): boolean {
    const state = this.#cameras.get(camera);
    if (state === undefined) return true;
    return region === undefined ? state.regions === undefined : (state.regions?.includes(region) ?? false);
  }

  async snapshot(): Promise<SiteState> {
    const gateways = await this.#gatewayViews();
    return {
      site: this.#site,
      commandLine: this.#commandLine,
      time: new Date(this.#clock.now()).toISOString(),
      broker: this.#broker,
      gateways,
      cameras: await this.#cameraViews(),
      models: (await this.#store.models.list()).map(modelView),
      counters: await this.#counters(),
      rollouts: await openRollouts(this.#store),
      alerts: await this.#store.alerts.open(),
      auditShare: this.#auditShare,
      // Not those of gateways that were removed since.
      endingCertificates: this.#endingCertificates.filter(
        ({ owner, name }) => owner !== 'gateway' || gateways.some((gateway) => gateway.name === name),
      ),
    };
  }

  async #counters(): Promise<SiteState['counters']> {
    const all = await this.#store.counters.all();
    const before = (await this.#store.counters.at(Math.floor(this.#clock.now() / HOUR_MS) - 24)) ?? all;
    const last = Object.entries(all)
      .map(([name, value]) => [name, value - (before[name] ?? 0)] as const)
      .filter(([, value]) => value > 0);
    return { ...countersView(all), last24h: countersView(Object.fromEntries(last)) };
  }

  async #gatewayViews(): Promise<GatewayView[]> {
    const releases = Map.groupBy(await this.#store.deployments.current(), (row) => row.gateway);
    const retired = (await this.#store.models.list()).filter(({ retirement }) => retirement !== null);
    const newest = await this.#newestFrames();
    const { atMs: nowMs, monotonicMs } = this.#now();
    const held = new Map((await this.#store.held.usage()).map((row) => [row.gateway, row]));
    const audits = new Map((await this.#store.challenges.counts()).map((row) => [row.gateway, row]));
    const configurations = await configurationViews(this.#store);
    const software = await gatewaySoftware(this.#store);
    const leaks = await leakViews(this.#store);
    const late = await this.#lateAudits(held);
    return (await this.#store.gateways.list()).map((record) => {
      const memory = this.#gateway(record.name);
      const wanted = releases.get(record.name) ?? [];
      const release = wanted.find(({ beside }) => !beside);
      const frameMs = newest.get(record.name) ?? 0;
      memory.presence.answered(frameMs);
      const twiceSinceMs = memory.twins.sinceMs(monotonicMs);
      return {
        name: record.name,
        version: memory.version,
        ...memory.presence.view(frameMs, nowMs),
        runsTwiceSince: twiceSinceMs === null ? null : new Date(twiceSinceMs).toISOString(),
        certificateEnds: new Date(record.certificateEndMs).toISOString(),
        quarantine:
          record.quarantine === null
            ? null
            : {
                since: new Date(record.quarantine.sinceMs).toISOString(),
                reason: record.quarantine.reason,
              },
        held: { answers: held.get(record.name)?.items ?? 0, dropped: held.get(record.name)?.dropped ?? 0 },
        audit: auditView(audits.get(record.name)),
        awaitsAuditSince: record.quarantine === null ? (late.get(record.name) ?? null) : null,
        leak: leaks.get(record.name) ?? null,
        health: memory.health,
        reported: memory.reported,
        model: release === undefined ? null : wantedModel(release, retired),
        beside: wanted.filter(({ beside }) => beside).map((one) => wantedModel(one, retired)),
        configuration: configurations.get(record.name) ?? null,
        groups: record.groups,
        software: software.get(record.name) ?? null,
      };
    });
  }

  /** Since when gateways of which answers are kept wait for an audit, where that takes long enough to be worth a word. */
  async #lateAudits(held: ReadonlyMap<string, HeldUsage>): Promise<ReadonlyMap<string, string>> {
    const late = new Map<string, string>();
    for (const { gateway, items } of held.values()) {
      const waiting = items > 0 ? await this.#store.challenges.waiting(gateway) : null;
      if (waiting !== null && this.#clock.now() - waiting.sinceMs > LATE_AUDIT_MS)
        late.set(gateway, new Date(waiting.sinceMs).toISOString());
    }
    return late;
  }

  /** Time of the newest picture that each gateway has answered about, ms. */
  async #newestFrames(): Promise<Map<string, number>> {
    const newest = new Map<string, number>();
    const owners = new Map(
      (await this.#store.cameras.list()).map(({ camera, gateway }) => [camera, gateway]),
    );
    for (const result of this.#results.values()) {
      const owner = owners.get(result.camera);
      if (owner === undefined || this.#isFuture(result)) continue;
      newest.set(owner, Math.max(newest.get(owner) ?? 0, Date.parse(result.frameTime)));
    }
    return newest;
  }

  async #cameraViews(): Promise<CameraView[]> {
    const withheld = new Map((await this.#store.cameras.withheld()).map((row) => [row.camera, row]));
    const zones = await this.#store.zones.all();
    const names = await this.#store.cameraNames.all();
    return (await this.#store.cameras.list()).map(({ camera, gateway }) => ({
      camera,
      ...names.get(camera),
      gateway,
      state: this.#cameraState(camera, gateway),
      ...this.#answersOf(camera),
      zones: zones.get(camera) ?? [],
      ...situationsView(this.#situationsOf(camera)),
      withheld: withheld.get(camera)?.withheld ?? 0,
      unusual: (withheld.get(camera)?.unusual ?? [])
        .filter(({ region }) => this.answersAbout(camera, region))
        .map(({ region, sinceMs }) => ({
          ...(region !== undefined && { region }),
          since: new Date(sinceMs).toISOString(),
        })),
    }));
  }

  /** What the gateway says about a camera, with its times on the clock of the site. */
  #cameraState(camera: string, gateway: string): CameraState | null {
    const state = this.#cameras.get(camera);
    if (state === undefined) return null;
    const { presence } = this.#gateway(gateway);
    const nowMs = this.#clock.now();
    return {
      ...state,
      since: new Date(Math.min(presence.toSiteMs(state.since), nowMs)).toISOString(),
      nextRetry: state.nextRetry === null ? null : new Date(presence.toSiteMs(state.nextRetry)).toISOString(),
    };
  }

  /** What the camera answers about now, as its gateway says; until it does, what the newest answers are about. */
  #answersOf(camera: string): Pick<CameraView, 'result' | 'regions'> {
    const state = this.#cameras.get(camera);
    const whole = this.#resultOf(camera);
    const names = state === undefined ? this.#knownRegions(camera, whole) : (state.regions ?? []);
    if (names.length === 0) return { result: whole, regions: [] };
    const regions = names.map((region) => ({
      region,
      result: this.#resultOf(camera, region),
    }));
    return { result: null, regions };
  }

  #resultOf(camera: string, region?: string): Result | null {
    const result = this.#results.get(resultKey(camera, region));
    return result === undefined || this.#isFuture(result) ? null : result;
  }

  /** Regions with an answer, unless the camera has answered about the whole picture since. */
  #knownRegions(camera: string, whole: Result | null): string[] {
    const answers = [...this.#results.values()].filter(
      (result) => result.camera === camera && result.region !== undefined,
    );
    const newest = Math.max(...answers.map(({ frameTime }) => Date.parse(frameTime)));
    if (whole !== null && Date.parse(whole.frameTime) > newest) return [];
    return answers.map(({ region }) => region!).sort();
  }
}

function situationsView(situations: readonly Situation[]): Pick<CameraView, 'situations'> {
  return situations.length === 0 ? {} : { situations };
}

/** Camera names have no slash. */
function resultKey(camera: string, region?: string): string {
  return region === undefined ? camera : `${camera}/${region}`;
}

function modelView(model: ModelRecord): ModelView {
  const { task, map } = model.interpretation;
  return {
    name: model.name,
    version: model.version,
    labels: model.labels,
    ...(task !== undefined && { task }),
    ...(map !== undefined && { map }),
    ringDegree: model.ringDegree,
    logQP: model.logQP,
    bundleBytes: model.parts.reduce((sum, part) => sum + part.bytes, 0),
    createdTime: new Date(model.createdMs).toISOString(),
    output: model.output,
    retired: model.retirement && {
      since: new Date(model.retirement.sinceMs).toISOString(),
      refusedFrom: new Date(model.retirement.refusedFromMs).toISOString(),
    },
  };
}

function auditView(counts: AuditCounts | undefined): GatewayAudit {
  const { equal = 0, unequal = 0, missing = 0, waiting = 0, undone = 0, lastEqualMs = null } = counts ?? {};
  const lastEqual = lastEqualMs === null ? null : new Date(lastEqualMs).toISOString();
  return { equal, unequal, missing, waiting, undone, lastEqual };
}

function wantedModel(
  { model: name, version }: { readonly model: string; readonly version: number },
  retired: readonly ModelRecord[],
): WantedModel {
  const isRetired = retired.some((one) => one.name === name && one.version === version);
  return { name, version, ...(isRetired && { retired: true }) };
}

function countersView(all: Record<string, number>): Counters {
  const prefix = 'refused.';
  return {
    accepted: all.accepted ?? 0,
    duplicates: all.duplicates ?? 0,
    gaps: Math.max(0, (all.gaps ?? 0) - (all.late ?? 0)),
    withheld: all.withheld ?? 0,
    refused: Object.fromEntries(
      Object.entries(all)
        .filter(([name]) => name.startsWith(prefix))
        .map(([name, value]) => [name.slice(prefix.length), value]),
    ),
  };
}
