import type { SiteState } from '#protocol/api.ts';

/** A command as it is typed on the machine of this site's backend. @param words for example `gateway release gate-1` */
export function siteCommand({ commandLine }: Pick<SiteState, 'commandLine'>, words: string): string {
  return commandLine.replace('…', () => words);
}
