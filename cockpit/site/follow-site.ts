import type { History, SiteState } from '#protocol/api.ts';
import type { Result } from '#protocol/messages.ts';
import type { SiteAction } from './site-model.ts';

/** Pauses before the backend is asked again; the last one repeats. Each is shortened by up to a quarter at random. */
const LADDER_MS = [500, 1000, 2000, 5000, 10_000] as const;
/** An event stream that is silent for this long is asked after: a link can die without a word. */
const SILENCE_MS = 20_000;
const REQUEST_MS = 10_000;

export type FollowOptions = {
  readonly dispatch: (action: SiteAction) => void;
  readonly signal: AbortSignal;
};

/**
 * Follows a site for as long as the signal allows: asks for its state, then listens to its events, and begins again
 * after every break, with growing pauses. Ends early only where the backend wants a token (`locked`).
 */
export async function followSite({ dispatch, signal }: FollowOptions): Promise<void> {
  let step = 0;
  while (!signal.aborted) {
    try {
      const site = await requestState(signal);
      if (site === 'locked') return dispatch({ type: 'locked' });
      dispatch({ type: 'state', site, atMs: Date.now() });
      const listened = await listen(site, { dispatch, signal });
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

/** Listens until the stream breaks, falls silent or the signal fires; true if anything at all was heard. */
function listen(first: SiteState, { dispatch, signal }: FollowOptions): Promise<boolean> {
  return new Promise((resolve) => {
    const events = new EventSource('api/events');
    const known = new Set<string>();
    let heard = false;
    let silence: ReturnType<typeof setTimeout> | undefined;

    const close = () => {
      clearTimeout(silence);
      signal.removeEventListener('abort', close);
      events.close();
      resolve(heard);
    };
    const hear = () => {
      heard = true;
      clearTimeout(silence);
      silence = setTimeout(close, SILENCE_MS);
    };
    const fetchHistories = (site: SiteState) => {
      for (const { camera } of site.cameras) {
        if (known.has(camera)) continue;
        known.add(camera);
        requestHistory(camera, signal)
          .then((history) => dispatch({ type: 'history', history }))
          // A time line that cannot be had is not worth a complaint: live answers fill it, and the next try fetches it.
          .catch(() => known.delete(camera));
      }
    };

    events.addEventListener('open', hear);
    events.addEventListener('state', (event) => {
      hear();
      const site = JSON.parse(event.data) as SiteState;
      dispatch({ type: 'state', site, atMs: Date.now() });
      fetchHistories(site);
    });
    events.addEventListener('result', (event) => {
      hear();
      dispatch({ type: 'result', result: JSON.parse(event.data) as Result, atMs: Date.now() });
    });
    // The browser's own reconnection gives up on some errors and never asks for the state anew: ours replaces it.
    events.addEventListener('error', close);
    signal.addEventListener('abort', close);
    silence = setTimeout(close, SILENCE_MS);
    fetchHistories(first);
  });
}

async function requestHistory(camera: string, signal: AbortSignal): Promise<History> {
  const response = await request(`api/cameras/${encodeURIComponent(camera)}/history?minutes=60`, signal);
  if (!response.ok) throw new Error(`history: ${response.status}`);
  return (await response.json()) as History;
}

function request(path: string, signal: AbortSignal): Promise<Response> {
  return fetch(path, {
    headers: { accept: 'application/json' },
    signal: AbortSignal.any([signal, AbortSignal.timeout(REQUEST_MS)]),
  });
}

/** Resolves after the pause, when the signal fires, or when the browser says that the network is back. */
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
