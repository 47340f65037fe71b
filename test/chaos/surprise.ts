import type { Kind } from './kind.ts';

/** The end of a process that nobody asked for. */
export type Surprise = {
  readonly process: string;
  /** Its exit code or signal. */
  readonly how: string;
  /** What it said last. */
  readonly words: string;
  readonly atMs: number;
};

/** A fault that was there. */
export type Struck = {
  readonly kind: Pick<Kind, 'mayEnd'>;
  readonly target: string;
  readonly fromMs: number;
  toMs: number;
};

/** A process that began beside a fault may take so long to start, and end by it only then. */
const START_MS = 60_000;
/** They share a disk and a database, which are `site`; gateways do not. */
const isOfSite = (name: string): boolean => !/^g-\d+$/.test(name);
/** Of what a process said last, in letters. */
const SHOWN = 300;

/** Whether a fault that was there explains that a process ended, by what it said or, where it said nothing since it was started, by how it ended. */
export function isExplained({ process, how, words, atMs }: Surprise, struck: readonly Struck[]): boolean {
  return struck.some(
    ({ kind, target, fromMs, toMs }) =>
      (target === process || (isOfSite(target) && isOfSite(process))) &&
      atMs >= fromMs &&
      atMs <= toMs + START_MS &&
      kind.mayEnd?.test(words || how) === true,
  );
}

export function describeSurprise({ process, how, words }: Surprise): string {
  return `${process} (${how}): ${words.replace(/\s+/g, ' ').slice(0, SHOWN)}`;
}

/** What a process wrote after its last line of log, as it does when an error ends it; where there is nothing, the message of that line. @param log since its start */
export function lastWords(log: string): string {
  const lines = log.trimEnd().split('\n');
  const last = lines.findLastIndex((line) => line.startsWith('{'));
  const after = lines.slice(last + 1).join('\n');
  return after || (/"msg":"(.*)"\}?$/.exec(lines[last] ?? '')?.[1] ?? lines[last] ?? '');
}
