import type { CameraView, SiteState } from '#protocol/api.ts';
import type { Result } from '#protocol/messages.ts';

/** An answer older than this is always stale, however slow the camera is. */
const SLOWEST_MS = 60_000;
/** An answer younger than this is never called stale, however fast the camera is. */
const FASTEST_MS = 10_000;
/** How many answers in a row may be missed before the shown one counts as stale. */
const MISSED_ANSWERS = 5;

export type Freshness = {
  /** `live`: the answer is current; `stale`: it no longer is; `none`: there never was one. */
  readonly kind: 'live' | 'stale' | 'none';
  /** Age of the frame the answer is about; 0 if there is none. */
  readonly ageMs: number;
};

/**
 * Whether a camera's answer is still current. An answer is stale once five answers at the camera's own pace are
 * missing, at the earliest after 10 s and at the latest after 60 s. `inferenceRate` is in answers per second; if it is 0,
 * as when the camera has stopped, the limit is 10 s.
 */
export function freshness(result: Result | null, inferenceRate: number, nowMs: number): Freshness {
  if (result === null) return { kind: 'none', ageMs: 0 };
  const frameMs = Date.parse(result.frameTime);
  if (Number.isNaN(frameMs)) return { kind: 'none', ageMs: 0 };
  const ageMs = Math.max(0, nowMs - frameMs);
  return { kind: ageMs > staleAfterMs(inferenceRate) ? 'stale' : 'live', ageMs };
}

/**
 * {@link freshness} of one of a camera's answers; if its gateway is offline, the answer is stale however recent it is. An event holds until the next one, as
 * long as the camera is looked at.
 */
export function cameraFreshness(
  site: SiteState,
  camera: CameraView,
  result: Result | null,
  nowMs: number,
): Freshness {
  const gateway = site.gateways.find(({ name }) => name === camera.gateway);
  if (result?.output === 'event') {
    const isWatched = camera.state?.state === 'streaming' && camera.state.inferenceRate > 0;
    const isHeard = site.broker.connected && gateway?.state !== 'offline' && isWatched;
    return { kind: isHeard ? 'live' : 'stale', ageMs: Math.max(0, nowMs - Date.parse(result.frameTime)) };
  }
  const fresh = freshness(result, camera.state?.inferenceRate ?? 0, nowMs);
  return fresh.kind === 'live' && gateway?.state === 'offline' ? { ...fresh, kind: 'stale' } : fresh;
}

/** Age at which an answer becomes stale, between 10 s and 60 s. */
export function staleAfterMs(inferenceRate: number): number {
  if (!(inferenceRate > 0)) return FASTEST_MS;
  const missedMs = (MISSED_ANSWERS * 1000) / inferenceRate;
  return Math.min(SLOWEST_MS, Math.max(FASTEST_MS, missedMs));
}
