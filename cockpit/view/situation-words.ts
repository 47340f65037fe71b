import type { CameraView } from '#protocol/api.ts';
import type { Result } from '#protocol/messages.ts';
import type { Situation } from '#protocol/situation.ts';
import type { Words } from '../words/en.ts';
import { formatAge, formatMoment } from './format.ts';

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
): string {
  if (result === null) return '';
  const own = situations.filter(({ region, zone }) => region === result.region && zone === undefined);
  const told = mainSituation(own, result);
  if (told === undefined) {
    if (result.output !== 'event') return '';
    return words.camera.since(formatMoment(Date.parse(result.frameTime), nowMs, words));
  }
  const { camera } = words;
  const parts = [camera.since(formatMoment(Date.parse(told.since), nowMs, words))];
  if (told.entriesToday !== undefined) {
    if (told.entriesToday > 0) parts.push(camera.entries(told.entriesToday));
    if (told.dwellSeconds !== undefined) parts.push(camera.dwell(formatAge(told.dwellSeconds * 1000)));
  } else if (told.visitsToday > 0)
    parts.push(told.present === true ? camera.visit(told.visitsToday) : camera.visits(told.visitsToday));
  return parts.join(' · ');
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
