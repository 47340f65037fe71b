import type { CameraView, SiteState } from '#protocol/api.ts';
import type { Words } from '../words/en.ts';
import { cameraName } from './camera-name.ts';
import { cameraStatus } from './camera-status.ts';
import { formatAge } from './format.ts';
import { cameraFreshness } from './freshness.ts';
import { labelOrder, seriesClass } from './label-order.ts';
import { labelWords, shortAnswer } from './label-words.ts';
import { byNeed, needsSomebody } from './need.ts';
import { newestResult } from './newest-result.ts';
import { situationWords } from './situation-words.ts';
import type { Tone } from './tone.ts';

/** A camera in a few words. Texts only, so that a tile that says the same needs no drawing. */
export type Tile = {
  readonly camera: string;
  readonly name: string;
  readonly groups: readonly string[];
  readonly tone: Tone;
  readonly status: string;
  /** Empty where there never was one. */
  readonly answer: string;
  /** Since when, or how old it is. */
  readonly detail: string;
  readonly isStale: boolean;
  /** Class that colors what it sees. */
  readonly series: string;
  /** Switched off: nobody misses it. */
  readonly isDisabled: boolean;
};

/** Every camera of a site, whichever needs somebody first. @param isAway whether the backend does not answer */
export function tilesOf(site: SiteState, nowMs: number, words: Words, isAway: boolean): readonly Tile[] {
  return site.cameras
    .map((camera) => tileOf(site, camera, nowMs, words, isAway))
    .sort(
      (a, b) =>
        Number(a.isDisabled) - Number(b.isDisabled) ||
        byNeed(a.tone, b.tone) ||
        a.name.localeCompare(b.name, undefined, { numeric: true }),
    );
}

function tileOf(site: SiteState, camera: CameraView, nowMs: number, words: Words, isAway: boolean): Tile {
  const status = cameraStatus(site, camera, nowMs, words, isAway);
  const result = newestResult(camera);
  const { kind, ageMs } = cameraFreshness(site, camera, result, nowMs);
  const isStale = isAway || kind === 'stale' || status.tone === 'bad';
  const main = result?.label ?? result?.labels?.at(-1) ?? Object.keys(result?.counts ?? {})[0] ?? '';
  return {
    camera: camera.camera,
    name: cameraName(camera),
    groups: camera.groups ?? [],
    tone: status.tone,
    status: status.word,
    answer: answerOf(camera, words),
    detail: isStale
      ? words.camera.seen(coarseAge(ageMs, words))
      : situationWords(camera, camera.regions.length === 0 ? result : null, nowMs, words, 'short'),
    isStale,
    series: seriesClass(labelOrder(site, camera, []), main, result?.counts !== undefined),
    isDisabled: camera.state?.state === 'disabled',
  };
}

function answerOf({ result, regions }: CameraView, words: Words): string {
  if (regions.length === 0) return result === null ? '' : shortAnswer(result, words);
  return regions
    .filter((shown) => shown.result !== null)
    .map((shown) => `${labelWords(shown.region, words)} ${shortAnswer(shown.result!, words)}`)
    .join(', ');
}

/** No seconds once a minute has passed: sixty tiles that tick are not calm. */
function coarseAge(ageMs: number, words: Words): string {
  return formatAge(ageMs < 60_000 ? Math.floor(ageMs / 10_000) * 10_000 + 1000 : ageMs, words);
}

export type TileFilter = { readonly words: string; readonly onlyNeedy: boolean };

/** Tiles in which every word occurs: in names, groups, answer or status. */
export function filterTiles(tiles: readonly Tile[], { words, onlyNeedy }: TileFilter): readonly Tile[] {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  return tiles.filter(({ camera, name, groups, status, answer, tone }) => {
    if (onlyNeedy && !needsSomebody(tone)) return false;
    const text = [camera, name, ...groups, status, answer].join(' ').toLowerCase();
    return wanted.every((word) => text.includes(word));
  });
}

export type TileGroup = { readonly group: string | null; readonly tiles: readonly Tile[] };

/** Tiles by group, the group with the worst first; one that is in several is in each. */
export function groupTiles(tiles: readonly Tile[]): readonly TileGroup[] {
  const names: readonly (string | null)[] = [...new Set(tiles.flatMap(({ groups }) => groups)), null];
  return names
    .map((group) => ({
      group,
      tiles: tiles.filter(({ groups }) => (group === null ? groups.length === 0 : groups.includes(group))),
    }))
    .filter((one) => one.tiles.length > 0)
    .sort(
      (a, b) =>
        Number(a.tiles[0]!.isDisabled) - Number(b.tiles[0]!.isDisabled) ||
        byNeed(a.tiles[0]!.tone, b.tiles[0]!.tone) ||
        Number(a.group === null) - Number(b.group === null) ||
        (a.group ?? '').localeCompare(b.group ?? '', undefined, { numeric: true }),
    );
}
