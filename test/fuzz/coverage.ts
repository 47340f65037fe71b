import { Session } from 'node:inspector';

type Range = { readonly startOffset: number; readonly endOffset: number; readonly count: number };
type ScriptCoverage = {
  readonly url: string;
  readonly functions: readonly { readonly ranges: readonly Range[] }[];
};
type Span = readonly [from: number, to: number];

/** Of `old`, what is in `now`, too. */
function intersect(old: readonly Span[], now: readonly Span[]): Span[] {
  const out: Span[] = [];
  let i = 0;
  let k = 0;
  while (i < old.length && k < now.length) {
    const [a, b] = [old[i]!, now[k]!];
    const from = Math.max(a[0], b[0]);
    const to = Math.min(a[1], b[1]);
    if (from < to) out.push([from, to]);
    if (a[1] < b[1]) i++;
    else k++;
  }
  return out;
}

/** The parts of a function that did not run: its ranges are nested, and the innermost one counts. */
function idle(ranges: readonly Range[]): Span[] {
  const [whole] = ranges;
  if (whole === undefined) return [];
  const edges = [...new Set(ranges.flatMap(({ startOffset, endOffset }) => [startOffset, endOffset]))].sort(
    (a, b) => a - b,
  );
  const out: Span[] = [];
  for (let i = 0; i + 1 < edges.length; i++) {
    const [from, to] = [edges[i]!, edges[i + 1]!];
    // Outer ranges come before inner ones.
    const innermost = ranges.findLast((range) => range.startOffset <= from && range.endOffset >= to);
    if (innermost?.count !== 0) continue;
    const last = out.at(-1);
    if (last !== undefined && last[1] === from) out[out.length - 1] = [last[0], to];
    else out.push([from, to]);
  }
  return out;
}

/**
 * Which blocks of some sources ran, by V8's counters: what an input reaches that none before it did makes it worth keeping.
 * Works on the thread that it is made on.
 */
export class Coverage {
  readonly #session = new Session();
  readonly #sources: readonly string[];
  readonly #idle = new Map<string, readonly Span[]>();

  /** @param sources parts of the paths of the files that count */
  constructor(sources: readonly string[]) {
    this.#sources = sources;
    this.#session.connect();
    this.#session.post('Profiler.enable');
    this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  /**
   * Looks at what has run since the last look.
   *
   * @param counts whether it counts as having run from now on
   * @returns whether any of it never ran before
   */
  look(counts: boolean): boolean {
    let isNew = false;
    this.#session.post('Profiler.takePreciseCoverage', (error, answer) => {
      if (error !== null) throw new Error('V8 does not tell what has run', { cause: error });
      for (const script of (answer as { result: ScriptCoverage[] }).result) {
        if (!this.#sources.some((part) => script.url.includes(part))) continue;
        for (const { ranges } of script.functions) isNew = this.#note(script.url, ranges, counts) || isNew;
      }
    });
    return isNew;
  }

  #note(url: string, ranges: readonly Range[], counts: boolean): boolean {
    const [whole] = ranges;
    if (whole === undefined || whole.count === 0) return false;
    const key = `${url} ${whole.startOffset} ${whole.endOffset}`;
    const now = idle(ranges);
    const old = this.#idle.get(key);
    const kept = old === undefined ? now : intersect(old, now);
    if (counts) this.#idle.set(key, kept);
    return old === undefined || size(kept) < size(old);
  }

  /** Functions that ran, and how many blocks of them never did. */
  get reached(): { readonly functions: number; readonly idleBlocks: number } {
    return {
      functions: this.#idle.size,
      idleBlocks: [...this.#idle.values()].reduce((sum, spans) => sum + spans.length, 0),
    };
  }

  close(): void {
    this.#session.post('Profiler.stopPreciseCoverage');
    this.#session.disconnect();
  }
}

function size(spans: readonly Span[]): number {
  return spans.reduce((sum, [from, to]) => sum + to - from, 0);
}
