import { useState } from 'preact/hooks';
import type { RolloutSummary } from '#protocol/api.ts';
import { useWords } from '../hooks/use-words.ts';
import { actOnRollout, type RolloutAct } from '../site/rollout-api.ts';
import { rolloutWords } from '../view/rollout-words.ts';

type Props = {
  readonly rollouts: readonly RolloutSummary[];
  readonly nowMs: number;
  readonly mayPause: boolean;
  readonly mayAbort: boolean;
};

/** Releases on their way to many gateways; nothing while there is none. */
export function Rollouts({ rollouts, ...rest }: Props) {
  const words = useWords().gateways.rollouts;
  if (rollouts.length === 0) return null;
  return (
    <section class="rollouts" aria-label={words.title}>
      {rollouts.map((rollout) => (
        <Rollout key={rollout.id} rollout={rollout} {...rest} />
      ))}
    </section>
  );
}

function Rollout(props: Omit<Props, 'rollouts'> & { readonly rollout: RolloutSummary }) {
  const { rollout, nowMs, mayPause, mayAbort } = props;
  const words = useWords();
  const { rollouts: says, leave } = words.gateways;
  const { tone, text, ended, all } = rolloutWords(rollout, nowMs, words);
  const [isAsking, setIsAsking] = useState(false);
  const [failure, setFailure] = useState<string | null>(null);
  const act = async (what: RolloutAct) => {
    setIsAsking(false);
    const answer = await actOnRollout(rollout.id, what);
    setFailure(answer.ok ? null : answer.message);
  };
  const other = rollout.state === 'paused' ? 'resume' : 'pause';
  return (
    <article class={`card rollout tone-${tone}`} aria-label={says.one(rollout.id, rollout.title)}>
      <div class="rollout-head">
        <h3>{rollout.title}</h3>
        <p role="status">{text}</p>
        <div class="actions">
          {isAsking ? (
            <>
              <span>{says.meaning}</span>
              <button type="button" class="primary" onClick={() => act('abort')}>
                {says.abortNow}
              </button>
              <button type="button" class="plain" onClick={() => setIsAsking(false)}>
                {leave}
              </button>
            </>
          ) : (
            <>
              {mayPause && (
                <button type="button" class="plain" onClick={() => act(other)}>
                  {says[other]}
                </button>
              )}
              {mayAbort && (
                <button type="button" class="plain danger" onClick={() => setIsAsking(true)}>
                  {says.abort}
                </button>
              )}
            </>
          )}
        </div>
      </div>
      <progress max={all} value={ended} aria-label={text} />
      {failure !== null && (
        <p class="field-problem" role="alert">
          {failure}
        </p>
      )}
    </article>
  );
}
