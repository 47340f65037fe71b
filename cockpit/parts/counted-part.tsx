import { useRef } from 'preact/hooks';
import type { CameraView, ModelView } from '#protocol/api.ts';
import type { CountAnswer, MapResult, Result } from '#protocol/messages.ts';
import { useWords } from '../hooks/use-words.ts';
import { formatCount } from '../view/format.ts';
import type { Freshness } from '../view/freshness.ts';
import { countedWords, wholeAnswer } from '../view/label-words.ts';
import { planRatio } from '../view/plan-ratio.ts';
import { AnswerAge } from './answer-age.tsx';
import { MapPlan } from './map-plan.tsx';

/** What was counted is said aloud no more often than this: it may change five times a second. */
const SAID_EVERY_MS = 10_000;

export type CountedResult = Extract<Result, CountAnswer> | MapResult;

type Props = {
  readonly camera: CameraView;
  /** How the camera, or the region of its picture, is called aloud. */
  readonly name: string;
  readonly result: CountedResult;
  /** The network that answered, where the site knows it still. */
  readonly model: ModelView | undefined;
  readonly freshness: Freshness;
  readonly color: (label: string) => string;
  /** Since when it holds; empty where that is not known. */
  readonly since: string;
  /** The site's clock. */
  readonly nowMs: number;
};

/** What a camera counts now, legible from two metres, by zone, and where it is. */
export function CountedPart({ camera, name, result, model, freshness, color, since, nowMs }: Props) {
  const words = useWords();
  const isStale = freshness.kind === 'stale';
  const labels = Object.keys(result.counts);
  const said = useSaid(`${name}: ${wholeAnswer(result, words)}`, nowMs);
  const zones = result.region === undefined ? camera.zones : [];
  return (
    <div class="counted">
      <div class={`answer ${color(labels[0] ?? '')} ${isStale ? 'is-stale' : 'is-live'}`}>
        <p class="unseen" aria-live="polite" aria-atomic="true">
          {said}
        </p>
        <ul class="answer-counts" aria-label={countedWords(result.counts, words)}>
          {labels.map((label) => (
            <li key={label}>
              <span class="answer-count">{formatCount(result.counts[label] ?? 0)}</span>{' '}
              <span class="answer-thing">{words.things(label, result.counts[label] ?? 0)}</span>
            </li>
          ))}
        </ul>
        <AnswerAge result={result} freshness={freshness} since={since} />
        {result.zones !== undefined && (
          <dl class="answer-zones">
            {result.zones.map(({ name: zone, counts }) => (
              <div key={zone}>
                <dt>{zone}</dt>
                <dd>
                  {labels.length === 1 ? formatCount(counts[labels[0]!] ?? 0) : countedWords(counts, words)}
                </dd>
              </div>
            ))}
          </dl>
        )}
      </div>
      {result.task === 'map' && result.points !== undefined && (
        <MapPlan
          {...{ camera: name, result, zones, color, isStale }}
          map={model?.map}
          ratio={planRatio(camera.state?.size, model?.map)}
        />
      )}
    </div>
  );
}

/** Words that change calmly: the newest ones, at most each ten seconds. */
function useSaid(words: string, nowMs: number): string {
  const said = useRef({ words, sinceMs: nowMs });
  if (words !== said.current.words && nowMs - said.current.sinceMs >= SAID_EVERY_MS)
    said.current = { words, sinceMs: nowMs };
  return said.current.words;
}
