import type { CameraView } from '#protocol/api.ts';
import type { Result } from '#protocol/messages.ts';
import type { Situation } from '#protocol/situation.ts';
import type { Words } from '../words/en.ts';
import { formatAge, formatClock, formatMoment } from './format.ts';

const HALF_DAY_MS = 12 * 3_600_000;

/**
 * What goes with an answer: since when it holds, and how often it came today; empty where nothing is known of that.
 *
 * @param result the answer of the whole picture or of one region
 */
export function situationWords(
  { situations = [] }: Pick<CameraView, 'situations'>,
  result: Result | null,
  nowMs: number,
  words: Words,
  size: 'short' | 'whole' = 'whole',
): string {
  if (result === null) return '';
  const own = situations.filter(({ region, zone }) => region === result.region && zone === undefined);
  const told = mainSituation(own, result);
  if (told === undefined) {
    if (result.output !== 'event') return '';
    return words.camera.since(recentMoment(Date.parse(result.frameTime), nowMs, words));
  }
  const { camera } = words;
  const parts = [camera.since(recentMoment(Date.parse(told.since), nowMs, words))];
  if (told.entriesToday !== undefined) {
    if (told.entriesToday > 0) parts.push(camera.entries(told.entriesToday));
    if (told.dwellSeconds !== undefined && size === 'whole')
      parts.push(camera.dwell(formatAge(told.dwellSeconds * 1000, words)));
  } else if (told.visitsToday > 0)
    parts.push(told.present === true ? camera.visit(told.visitsToday) : camera.visits(told.visitsToday));
  return parts.join(' · ');
}

/** Half a day later the time of day alone would be taken for that of today. */
function recentMoment(atMs: number, nowMs: number, words: Words): string {
  return nowMs - atMs < HALF_DAY_MS ? formatClock(atMs).slice(0, 5) : formatMoment(atMs, nowMs, words);
}

/** What the answer speaks of: what it found; where it found nothing, what left last. */
function mainSituation(own: readonly Situation[], { label, labels, counts }: Result): Situation | undefined {
  const named = new Set(label === undefined ? (labels ?? Object.keys(counts ?? {})) : [label]);
  const known = own.filter(({ present }) => present !== null);
  const spoken = known.filter((one) => named.has(one.label));
  const told = spoken.length > 0 ? spoken : known;
  // A moment ago the answer may have changed, which is not yet believed.
  if (counts === undefined && spoken.length > 0 && !spoken.some(({ present }) => present)) return undefined;
  if (counts === undefined && spoken.length === 0 && told.some(({ present }) => present)) return undefined;
  return [...told].sort(
    (a, b) => Number(b.present) - Number(a.present) || Date.parse(b.since) - Date.parse(a.since),
  )[0];
}
