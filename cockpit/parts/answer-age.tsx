import type { Result } from '#protocol/messages.ts';
import { useWords } from '../hooks/use-words.ts';
import { formatAge, formatClock } from '../view/format.ts';
import type { Freshness } from '../view/freshness.ts';

type Props = {
  readonly result: Result;
  readonly freshness: Freshness;
  /** Since when it holds; empty where that is not known. */
  readonly since: string;
};

/** Since when an answer holds, or how old it is; a stale one is marked with a word. */
export function AnswerAge({ result, freshness, since }: Props) {
  const words = useWords();
  const { camera } = words;
  const isStale = freshness.kind === 'stale';
  const age = freshness.ageMs < 1000 ? camera.seenNow : camera.seen(formatAge(freshness.ageMs, words));
  return (
    <p class="answer-age">
      {isStale && <strong class="stale-mark">{camera.stale}</strong>}
      <time dateTime={result.frameTime} title={formatClock(Date.parse(result.frameTime))}>
        {since !== '' && (!isStale || result.output === 'event') ? upperFirst(since) : age}
      </time>
    </p>
  );
}

function upperFirst(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
