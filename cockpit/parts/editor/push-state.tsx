import type { GatewayView } from '#protocol/api.ts';
import { type Draft, isChanged } from '../../hooks/use-draft.ts';
import { useWords } from '../../hooks/use-words.ts';
import { settingsWords } from '../../view/settings-words.ts';
import { Progress } from '../progress.tsx';

type Props = {
  readonly gateway: GatewayView;
  readonly draft: Draft;
  readonly onReload: () => void;
  readonly onCompare: () => void;
};

/** The way of pushed settings, in the order in which they go it. */
const STEPS = ['pending', 'received', 'applied'] as const;

/** What became of the newest settings, as it happens, and whether somebody else pushed while these are edited. */
export function PushState({ gateway, draft, onReload, onCompare }: Props) {
  const all = useWords();
  const says = all.editor.push;
  const { configuration } = gateway;
  if (configuration === null) {
    return (
      <p class="notice tone-wait">
        <span class="dot" aria-hidden="true" />
        <span>{says.own(gateway.name)}</span>
      </p>
    );
  }
  const { version, status, author } = configuration;
  const words = settingsWords(gateway, all);
  const reached = STEPS.indexOf(status as (typeof STEPS)[number]);
  return (
    <>
      {version > draft.base && isChanged(draft) && (
        <p class="notice tone-warn" role="alert">
          <span class="dot" aria-hidden="true" />
          <span>
            {says.meanwhile(author, version, draft.base)}{' '}
            <button type="button" class="link" onClick={onCompare}>
              {says.compare}
            </button>{' '}
            {says.or}{' '}
            <button type="button" class="link" onClick={onReload}>
              {says.take(version)}
            </button>
            .
          </span>
        </p>
      )}
      <div class="push-state" role="status">
        {reached >= 0 && (
          <ol class="steps" aria-label={says.version(version)}>
            {STEPS.map((step, index) => (
              <li
                key={step}
                class={index <= reached ? 'is-done' : ''}
                aria-current={index === reached ? 'step' : undefined}
              >
                {says.steps[step]}
              </li>
            ))}
          </ol>
        )}
        {words === null ? <p class="quiet">{says.runs(version, author)}</p> : <Progress words={words} />}
      </div>
    </>
  );
}
