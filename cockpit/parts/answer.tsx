import type { Result } from '#protocol/messages.ts';
import { useWords } from '../hooks/use-words.ts';
import { formatPercent } from '../view/format.ts';
import type { Freshness } from '../view/freshness.ts';
import { wholeAnswer } from '../view/label-words.ts';
import { AnswerAge } from './answer-age.tsx';

/** Labels longer than this are set smaller. */
const LONG_LABEL = 11;

type Props = {
  readonly camera: string;
  readonly result: Result | null;
  readonly freshness: Freshness;
  readonly color: string;
  /** Since when it holds; empty where that is not known. */
  readonly since: string;
};

/** The current answer of a camera, legible from two metres; a stale one is faded and marked with a word and its age. */
export function Answer({ camera, result, freshness, color, since }: Props) {
  const words = useWords();
  if (result === null || freshness.kind === 'none') {
    return (
      <div class="answer is-none">
        <p class="answer-label">{words.camera.noAnswer}</p>
        <p class="answer-age">{words.camera.firstAnswer}</p>
      </div>
    );
  }
  const label = wholeAnswer(result, words);
  const stale = freshness.kind === 'stale';
  const size = label.length > LONG_LABEL ? 'is-long' : '';
  return (
    <div class={`answer ${color} ${stale ? 'is-stale' : 'is-live'} ${size}`}>
      {/* Only the label is announced, and only when it changes. */}
      <p class="answer-label" aria-live="polite" aria-atomic="true">
        <span class="unseen">{`${camera}: `}</span>
        {label}
      </p>
      {result.probability !== undefined && (
        <p class="answer-probability">
          <span class="unseen">{words.camera.probability} </span>
          {formatPercent(result.probability)}
        </p>
      )}
      <AnswerAge result={result} freshness={freshness} since={since} />
    </div>
  );
}
