import type { GatewayView } from '#protocol/api.ts';
import { type Draft, isChanged } from '../../hooks/use-draft.ts';
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
const WORDS: Readonly<Record<(typeof STEPS)[number], string>> = {
  pending: 'Sent',
  received: 'Tried',
  applied: 'Running',
};

/** What became of the newest settings, as it happens, and whether somebody else pushed while these are edited. */
export function PushState({ gateway, draft, onReload, onCompare }: Props) {
  const { configuration } = gateway;
  if (configuration === null) {
    return (
      <p class="notice tone-wait">
        <span class="dot" aria-hidden="true" />
        <span>
          {gateway.name} runs the file that lies on it, which this site has not seen. What you push replaces
          it: name every camera that it shall have.
        </span>
      </p>
    );
  }
  const { version, status, author } = configuration;
  const words = settingsWords(gateway);
  const reached = STEPS.indexOf(status as (typeof STEPS)[number]);
  return (
    <>
      {version > draft.base && isChanged(draft) && (
        <p class="notice tone-warn" role="alert">
          <span class="dot" aria-hidden="true" />
          <span>
            {author} pushed version {version} meanwhile. Your changes of version {draft.base} are still here.{' '}
            <button type="button" class="link" onClick={onCompare}>
              Compare
            </button>{' '}
            or{' '}
            <button type="button" class="link" onClick={onReload}>
              take version {version} instead
            </button>
            .
          </span>
        </p>
      )}
      <div class="push-state" role="status">
        {reached >= 0 && (
          <ol class="steps" aria-label={`Version ${version}`}>
            {STEPS.map((step, index) => (
              <li
                key={step}
                class={index <= reached ? 'is-done' : ''}
                aria-current={index === reached ? 'step' : undefined}
              >
                {WORDS[step]}
              </li>
            ))}
          </ol>
        )}
        {words === null ? (
          <p class="quiet">
            Version {version}, pushed by {author}, runs.
          </p>
        ) : (
          <Progress words={words} />
        )}
      </div>
    </>
  );
}
