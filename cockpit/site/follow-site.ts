import type { History, SiteChange, SiteState } from '#protocol/api.ts';
import type { Result } from '#protocol/messages.ts';
import { applySiteChange } from '#protocol/site-change.ts';
import { parseRoute } from '../view/route.ts';
import { shownCameras } from '../view/shown-cameras.ts';
import { batchActions } from './batch-actions.ts';
import { readSession } from './open-session.ts';
import { historyKey, type SiteAction } from './site-model.ts';

/** Pauses before the backend is tried again; the last one repeats. Each is shortened at random by up to a quarter. */
const LADDER_MS = [500, 1000, 2000, 5000, 10_000] as const;
/**
 * An event stream that is silent for this long is reopened: a connection can die unnoticed. Longer than the 30 s
 * between two health reports of a gateway, so that a quiet site is left alone.
 */
const SILENCE_MS = 45_000;
const REQUEST_MS = 10_000;

export type FollowOptions = {
  readonly dispatch: (action: SiteAction) => void;
  readonly signal: AbortSignal;
};

/**
 * How far the page has each time line, by its `historyKey`: the newest frame time (`''` if there never was an answer), and how many answers
 * were withheld.
 */
type Covered = Map<string, Pick<Line, 'frameTime' | 'withheld'>>;

/** What a time line is about, a camera or one of its regions, and what it should hold by now. */
type Line = {
  readonly camera: string;
  readonly region?: string;
  readonly frameTime: string;
  readonly withheld: number;
};

function linesOf({ cameras }: SiteState): Line[] {
  return cameras.flatMap(({ camera, withheld, result, regions }): Line[] =>
    regions.length === 0
      ? [{ camera, withheld, frameTime: result?.frameTime ?? '' }]
      : regions.map((shown) => ({
          ...{ camera, withheld, region: shown.region },
          frameTime: shown.result?.frameTime ?? '',
        })),
  );
}

/**
 * Follows a site until the signal fires: requests its state, then listens to its events, and starts over after every
 * break, with growing pauses. Ends early only if the backend wants a token (`locked`).
 */
export async function followSite({ dispatch, signal }: FollowOptions): Promise<void> {
  let step = 0;
  const covered: Covered = new Map();
  while (!signal.aborted) {
    try {
      const session = await readSession(AbortSignal.any([signal, AbortSignal.timeout(REQUEST_MS)]));
      dispatch({ type: 'session', session });
      const site = await requestState(signal);
      if (site === 'locked') return dispatch({ type: 'locked' });
      dispatch({ type: 'state', site, atMs: Date.now() });
      const listened = await listen(site, covered, { dispatch, signal });
      if (listened) step = 0;
    } catch {
      if (!signal.aborted) dispatch({ type: 'away', atMs: Date.now() });
    }
    const pauseMs = LADDER_MS[Math.min(step++, LADDER_MS.length - 1)] ?? 0;
    await sleep(pauseMs * (1 - Math.random() / 4), signal);
  }
}

async function requestState(signal: AbortSignal): Promise<SiteState | 'locked'> {
  const response = await request('api/state', signal);
  if (response.status === 401) return 'locked';
  if (!response.ok) throw new Error(`state: ${response.status}`);
  return (await response.json()) as SiteState;
}

/** Listens until the stream breaks, falls silent or the signal fires; true if anything was received. */
function listen(first: SiteState, covered: Covered, { dispatch, signal }: FollowOptions): Promise<boolean> {
  return new Promise((resolve) => {
    const events = new EventSource('api/events?changes=true');
    const shown = batchActions(dispatch);
    let site = first;
    let watched: readonly string[] | null = null;
    let heard = false;
    let silence: ReturnType<typeof setTimeout> | undefined;

    const close = () => {
      clearTimeout(silence);
      signal.removeEventListener('abort', close);
      removeEventListener('hashchange', watch);
      events.close();
      shown.flush();
      resolve(heard);
    };
    const hear = () => {
      heard = true;
      clearTimeout(silence);
      silence = setTimeout(close, SILENCE_MS);
    };
    const fetchHistory = (line: Line) => {
      const key = historyKey(line.camera, line.region);
      covered.set(key, line);
      requestHistory(line, signal)
        .then((history) => shown.add({ type: 'history', history }))
        // A history that cannot be fetched is no reason for an error: live answers fill the line, and the next state asks again.
        .catch(() => covered.delete(key));
    };

    /** Only the time lines that the page shows are read and kept: those of sixty cameras are too much work. */
    const watch = () => {
      const next = shownCameras(site, parseRoute(location.hash));
      if (watched?.join('\n') !== next.join('\n')) {
        watched = next;
        shown.flush();
        dispatch({ type: 'watch', cameras: next });
      }
      for (const line of linesOf(site)) {
        const key = historyKey(line.camera, line.region);
        const known = covered.get(key);
        if (!next.includes(line.camera)) covered.delete(key);
        else if (known === undefined) fetchHistory(line);
        else covered.set(key, { ...known, withheld: line.withheld });
      }
    };

    events.addEventListener('open', hear);
    const hearState = (next: SiteState) => {
      hear();
      site = next;
      shown.add({ type: 'state', site, atMs: Date.now() });
      watch();
    };
    events.addEventListener('state', ({ data }) => hearState(JSON.parse(data) as SiteState));
    events.addEventListener('change', ({ data }) =>
      hearState(applySiteChange(site, JSON.parse(data) as SiteChange)),
    );
    addEventListener('hashchange', watch);
    events.addEventListener('result', (event) => {
      hear();
      const result = JSON.parse(event.data) as Result;
      const key = historyKey(result.camera, result.region);
      const known = covered.get(key);
      if (!result.historical && known !== undefined)
        covered.set(key, { ...known, frameTime: result.frameTime });
      shown.add({ type: 'result', result, atMs: Date.now() });
    });
    // The browser's own reconnection gives up on some errors and never requests the state again: ours replaces it.
    events.addEventListener('error', close);
    signal.addEventListener('abort', close);
    silence = setTimeout(close, SILENCE_MS);
    // After a break, only time lines that grew in the meantime are fetched again.
    for (const line of linesOf(first)) {
      const key = historyKey(line.camera, line.region);
      const known = covered.get(key);
      if (known?.frameTime !== line.frameTime || known.withheld !== line.withheld) covered.delete(key);
    }
    watch();
  });
}

async function requestHistory({ camera, region }: Line, signal: AbortSignal): Promise<History> {
  const query = region === undefined ? '' : `&region=${encodeURIComponent(region)}`;
  const response = await request(
    `api/cameras/${encodeURIComponent(camera)}/history?minutes=60${query}`,
    signal,
  );
  if (!response.ok) throw new Error(`history: ${response.status}`);
  return (await response.json()) as History;
}

function request(path: string, signal: AbortSignal): Promise<Response> {
  return fetch(path, {
    headers: { accept: 'application/json' },
    signal: AbortSignal.any([signal, AbortSignal.timeout(REQUEST_MS)]),
  });
}

/** Resolves after the pause, when the signal fires, or when the browser reports that the network is back. */
function sleep(pauseMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(finish, pauseMs);
    function finish() {
      clearTimeout(timer);
      signal.removeEventListener('abort', finish);
      removeEventListener('online', finish);
      resolve();
    }
    signal.addEventListener('abort', finish);
    addEventListener('online', finish);
    if (signal.aborted) finish();
  });
}
