import type { CameraView, SiteState } from '#protocol/api.ts';
import type { Words } from '../words/en.ts';
import { type CameraWords, cameraWords } from './camera-words.ts';
import { cameraFreshness } from './freshness.ts';
import { newestResult } from './newest-result.ts';

/**
 * The one status of a camera: what its gateway says of it, unless nothing is heard of that, or no answers come. Good only where a camera is
 * heard of and answers.
 *
 * @param isAway whether the backend does not answer
 */
export function cameraStatus(
  site: SiteState,
  camera: CameraView,
  nowMs: number,
  words: Words,
  isAway = false,
): CameraWords {
  if (isAway) return { tone: 'off', ...words.states.away };
  const gateway = site.gateways.find(({ name }) => name === camera.gateway);
  const result = newestResult(camera);
  const { kind } = cameraFreshness(site, camera, result, nowMs);
  const isHeard = gateway?.state !== 'offline';
  // What is fresh was heard, whatever the link looks like at this moment.
  if (!site.broker.connected && kind !== 'live') return { tone: 'off', ...words.states.cut };
  const told = cameraWords(camera.state, isHeard, nowMs, camera.unusual, words);
  if (told.tone !== 'good') return told;
  if (gateway?.quarantine != null) return { tone: 'off', ...words.states.kept };
  if (kind === 'none') return { tone: 'wait', ...words.states.first };
  if (kind === 'stale') return { tone: 'warn', ...words.states.silent };
  return told;
}
