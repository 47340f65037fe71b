import type { Result } from '#protocol/messages.ts';
import { formatAge, formatClock, formatMoment } from '../view/format.ts';
import type { Freshness } from '../view/freshness.ts';

type Props = { readonly result: Result; readonly freshness: Freshness };

/** How old an answer is; a stale one is marked with a word. */
export function AnswerAge({ result, freshness }: Props) {
  return (
    <p class="answer-age">
      {freshness.kind === 'stale' && <strong class="stale-mark">Stale</strong>}
      <time dateTime={result.frameTime} title={formatClock(Date.parse(result.frameTime))}>
        {result.output === 'event' ? sinceWords(result, freshness) : ageWords(freshness.ageMs)}
      </time>
    </p>
  );
}

function sinceWords({ frameTime }: Result, { ageMs }: Freshness): string {
  const sinceMs = Date.parse(frameTime);
  return `Since ${formatMoment(sinceMs, sinceMs + ageMs)}`;
}

function ageWords(ageMs: number): string {
  return ageMs < 1000 ? 'Seen just now' : `Seen ${formatAge(ageMs)} ago`;
}
