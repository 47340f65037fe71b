import type { AlertView, Severity } from '#protocol/alert.ts';
import type { SiteState } from '#protocol/api.ts';
import type { Words } from '../words/en.ts';
import { cameraName } from './camera-name.ts';
import { cameraStatus } from './camera-status.ts';
import { byNeed, needsSomebody } from './need.ts';
import { notices } from './notices.ts';
import type { Tone } from './tone.ts';

/** The site in a sentence, by what is worst about it. */
export type SiteNeeds = {
  readonly tone: Tone;
  readonly headline: string;
  /** What is worst, where the headline only counts; else how many cameras there are. */
  readonly detail: string;
  /** How many things somebody should look at. */
  readonly count: number;
};

/** What the page knows of its backend. */
export type Known = {
  readonly phase: 'opening' | 'locked' | 'live' | 'away';
  readonly site: SiteState | null;
};

export const ALERT_TONES: Readonly<Record<Severity, Tone>> = {
  info: 'wait',
  warning: 'warn',
  critical: 'bad',
};

/** Alerts that nobody has acknowledged yet, the worst first. */
export function unacknowledged({ alerts }: Pick<SiteState, 'alerts'>): readonly AlertView[] {
  return alerts.open.filter(({ acknowledged }) => acknowledged === null);
}

/** What is worst about a site at this moment. Nothing that is not known is well. */
export function siteNeeds({ phase, site }: Known, nowMs: number, words: Words): SiteNeeds {
  const { need } = words;
  if (phase === 'locked') return { tone: 'off', headline: need.locked, detail: '', count: 0 };
  if (phase === 'away') return { tone: 'bad', headline: need.away, detail: '', count: 1 };
  if (site === null) return { tone: 'wait', headline: need.opening, detail: '', count: 0 };
  const cameras = site.cameras
    .filter(({ state }) => state?.state !== 'disabled')
    .map((camera) => ({ camera, status: cameraStatus(site, camera, nowMs, words) }));
  const found = [
    ...unacknowledged(site).map(({ severity, title, ended }) => ({
      tone: ALERT_TONES[severity],
      title: ended === null ? title : need.over(title),
    })),
    ...notices(site, nowMs, words),
    ...cameras.map(({ camera, status }) => ({
      tone: status.tone,
      title: need.camera(cameraName(camera), status.word),
    })),
  ]
    .filter(({ tone }) => needsSomebody(tone))
    .sort((a, b) => byNeed(a.tone, b.tone));
  const [worst] = found;
  if (worst !== undefined) {
    const { tone, title } = worst;
    if (found.length === 1) return { tone, headline: title, detail: '', count: 1 };
    return { tone, headline: need.many(found.length), detail: title, count: found.length };
  }
  const quiet = (tone: Tone, headline: string): SiteNeeds => ({ tone, headline, detail: '', count: 0 });
  if (cameras.length === 0) return quiet('off', need.noCamera);
  const unknown = cameras.filter(({ status }) => status.tone === 'off').length;
  if (unknown > 0) return quiet('off', need.unknown(unknown));
  const waiting = cameras.filter(({ status }) => status.tone === 'wait').length;
  if (waiting > 0) return quiet('wait', need.waiting(waiting));
  return { tone: 'good', headline: need.well, detail: need.watching(cameras.length), count: 0 };
}
