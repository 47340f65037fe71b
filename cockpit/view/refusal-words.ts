import type { SiteState } from '#protocol/api.ts';
import type { Refusal } from '#protocol/refusals.ts';
import { EN, type Words } from '../words/en.ts';
import { siteCommand } from './site-command.ts';

/** Why an answer was refused and what to do at this site; the bare reason if this page does not know it. */
export function refusalWords(
  reason: string,
  site: Pick<SiteState, 'commandLine'>,
  { counted, refusals }: Pick<Words, 'counted' | 'refusals'> = EN,
): string {
  // Counted by versions that did not keep answers during quarantine.
  if (reason === 'quarantined') return counted.quarantined;
  if (!Object.hasOwn(refusals, reason)) return reason;
  const { meaning, action } = refusals[reason as Refusal];
  // Backticks are for the page of error codes; this text is shown verbatim.
  return `${meaning} ${action}`
    .replace(/`blindsight ([^`]+)`/g, (_, words: string) => siteCommand(site, words))
    .replaceAll('`', '');
}
