import type { CameraView, GatewayView, History, SessionView, SiteState } from '#protocol/api.ts';
import type { Result } from '#protocol/messages.ts';
import { emptyHistory } from '#protocol/thin-history.ts';
import { addResult, addWithheld, mergeHistory } from '../view/history.ts';

/**
 * What the page knows. `opening`: nothing received yet; `locked`: the backend wants a token; `live`: every change arrives;
 * `away`: the backend does not answer, and what is shown is old.
 */
export type SiteModel = {
  readonly phase: 'opening' | 'locked' | 'live' | 'away';
  /** Moment (this browser's clock, ms) at which the backend stopped answering; null while it answers. */
  readonly awaySinceMs: number | null;
  /** What to add to this browser's clock to get the site's, in ms: a wrong clock here must not make answers stale. */
  readonly clockOffsetMs: number;
  readonly site: SiteState | null;
  /** Who is logged in, and how one may log in; null before the backend said so. */
  readonly session: SessionView | null;
  /** By {@link historyKey}. */
  readonly histories: Readonly<Record<string, History>>;
  /** The cameras whose time lines are kept; null: all. */
  readonly watched: readonly string[] | null;
};

export type SiteAction =
  | { readonly type: 'locked' }
  | { readonly type: 'session'; readonly session: SessionView | null }
  | { readonly type: 'away'; readonly atMs: number }
  | { readonly type: 'state'; readonly site: SiteState; readonly atMs: number }
  | { readonly type: 'result'; readonly result: Result; readonly atMs: number }
  | { readonly type: 'history'; readonly history: History }
  | { readonly type: 'watch'; readonly cameras: readonly string[] }
  | { readonly type: 'batch'; readonly actions: readonly SiteAction[] };

export const INITIAL_SITE: SiteModel = {
  phase: 'opening',
  awaySinceMs: null,
  clockOffsetMs: 0,
  site: null,
  session: null,
  histories: {},
  watched: null,
};

/** A smaller difference between the clocks is network delay; following it would make ages jump. */
const SAME_CLOCK_MS = 2000;

/** The state of the page after one action; pure. */
export function reduceSite(model: SiteModel, action: SiteAction): SiteModel {
  switch (action.type) {
    case 'locked':
      return { ...INITIAL_SITE, phase: 'locked', session: model.session };
    case 'session':
      return { ...model, session: action.session };
    case 'away':
      return { ...model, phase: 'away', awaySinceMs: model.awaySinceMs ?? action.atMs };
    case 'state':
      return {
        ...model,
        phase: 'live',
        awaySinceMs: null,
        clockOffsetMs: clockOffsetMs(action.site.time, action.atMs),
        site: action.site,
        histories: withWithheld(model, action.site),
      };
    case 'result':
      return withResult(model, action.result, action.atMs);
    case 'batch':
      return action.actions.reduce(reduceSite, model);
    case 'watch': {
      const kept = Object.entries(model.histories).filter(([, { camera }]) =>
        action.cameras.includes(camera),
      );
      return { ...model, watched: action.cameras, histories: Object.fromEntries(kept) };
    }
    case 'history': {
      const { camera, region } = action.history;
      if (!isWatched(model, camera)) return model;
      const merged = mergeHistory(action.history, historyOf(model, camera, region));
      return { ...model, histories: { ...model.histories, [historyKey(camera, region)]: merged } };
    }
  }
}

/**
 * Marks the time lines of cameras whose count of withheld answers grew. What was withheld while the page was disconnected comes with the
 * history that is fetched afterwards.
 */
function withWithheld(
  { phase, site: before, histories }: SiteModel,
  site: SiteState,
): SiteModel['histories'] {
  if (phase !== 'live') return histories;
  const grown = site.cameras.filter(({ camera, withheld }) => {
    const known = before?.cameras.find((one) => one.camera === camera);
    return known !== undefined && withheld > known.withheld;
  });
  if (grown.length === 0) return histories;
  const names = new Set(grown.map(({ camera }) => camera));
  const timeMs = Date.parse(site.time);
  return Object.fromEntries(
    Object.entries(histories).map(([key, history]) => [
      key,
      names.has(history.camera) ? addWithheld(history, timeMs) : history,
    ]),
  );
}

/** One for each time line; names of cameras have no slash. */
export function historyKey(camera: string, region?: string): string {
  return region === undefined ? camera : `${camera}/${region}`;
}

/** The history of a camera or of one of its regions; empty if none arrived yet. */
export function historyOf(model: SiteModel, camera: string, region?: string): History {
  const key = historyKey(camera, region);
  const known = Object.hasOwn(model.histories, key) ? model.histories[key] : undefined;
  return known ?? emptyHistory(camera, region);
}

function isWatched({ watched }: SiteModel, camera: string): boolean {
  return watched === null || watched.includes(camera);
}

function withResult(model: SiteModel, result: Result, atMs: number): SiteModel {
  const { camera: name, region } = result;
  const { histories: before } = model;
  const histories = isWatched(model, name)
    ? {
        ...before,
        [historyKey(name, region)]: addResult(
          historyOf(model, name, region),
          result,
          atMs + model.clockOffsetMs,
        ),
      }
    : before;
  if (model.site === null) return { ...model, histories };
  const cameras = model.site.cameras.map((camera) =>
    camera.camera === name ? withAnswer(camera, result) : camera,
  );
  const owner = cameras.find(({ camera }) => camera === name)?.gateway;
  const gateways = model.site.gateways.map((gateway) =>
    gateway.name === owner ? withSignOfLife(gateway, result) : gateway,
  );
  return { ...model, histories, site: { ...model.site, cameras, gateways } };
}

/** A gateway that answers about a picture taken after it was reported offline is online: the next state will say so too. */
function withSignOfLife(gateway: GatewayView, { frameTime, historical }: Result): GatewayView {
  const isSign = gateway.since === null ? !historical : Date.parse(frameTime) > Date.parse(gateway.since);
  return gateway.state === 'online' || !isSign ? gateway : { ...gateway, state: 'online', since: frameTime };
}

/** A camera has one answer, or one per region, as its state says. */
function withAnswer(camera: CameraView, result: Result): CameraView {
  if (result.region === undefined)
    return camera.regions.length === 0 && isNewer(result, camera.result) ? { ...camera, result } : camera;
  const regions = camera.regions.map((shown) =>
    shown.region === result.region && isNewer(result, shown.result) ? { ...shown, result } : shown,
  );
  return { ...camera, regions };
}

/** Late answers fill the time line, but never replace the current answer. */
function isNewer(result: Result, shown: Result | null): boolean {
  return shown === null || Date.parse(result.frameTime) >= Date.parse(shown.frameTime);
}

function clockOffsetMs(siteTime: string, atMs: number): number {
  const offsetMs = Date.parse(siteTime) - atMs;
  return Math.abs(offsetMs) < SAME_CLOCK_MS || Number.isNaN(offsetMs) ? 0 : offsetMs;
}
