import { useEffect, useState } from 'preact/hooks';
import type { ConfigurationPreview } from '#protocol/api.ts';
import type { Draft } from '../../hooks/use-draft.ts';
import { useWords } from '../../hooks/use-words.ts';
import { ConfigurationApi } from '../../site/configuration-api.ts';
import { Difference } from './difference.tsx';

type Props = {
  readonly gateway: string;
  readonly draft: Draft;
  /** The newest version that the page knows of. */
  readonly newest: number;
  readonly onPushed: () => void;
  readonly onBack: () => void;
  /** Makes the changes ones of the newest version. */
  readonly onRebase: (version: number) => void;
  readonly onDiscard: () => void;
};

/** Before a push: what changes, what it risks, and whether somebody else was faster. */
export function Review({ gateway, draft, newest, onPushed, onBack, onRebase, onDiscard }: Props) {
  const words = useWords().editor.reviewing;
  const [preview, setPreview] = useState<ConfigurationPreview | null>(null);
  const [failure, setFailure] = useState<string | null>(null);
  const [isBusy, setIsBusy] = useState(false);
  const isConflict = newest > draft.base;
  const api = new ConfigurationApi(gateway);

  useEffect(() => {
    let isCurrent = true;
    setPreview(null);
    // Where somebody else pushed, against what that was, so that both can be compared.
    api.preview(draft.text, draft.logins, isConflict ? newest : undefined).then((answer) => {
      if (!isCurrent) return;
      if (answer.ok) setPreview(answer.value);
      else setFailure(answer.message);
    });
    return () => {
      isCurrent = false;
    };
  }, [gateway, draft, newest]);

  const push = async () => {
    setIsBusy(true);
    const answer = await api.push(draft.text, draft.logins, draft.base);
    setIsBusy(false);
    if (answer.ok) return onPushed();
    setFailure(words.failed(answer.message));
  };
  return (
    <section class="card review" aria-labelledby="review-title">
      <h3 id="review-title">{isConflict ? words.conflict(newest) : words.title(gateway)}</h3>
      {isConflict && <p>{words.conflictText(draft.base, newest)}</p>}
      {failure !== null && (
        <p class="notice tone-bad" role="alert">
          <span class="dot" aria-hidden="true" />
          {failure}
        </p>
      )}
      {preview === null && failure === null && <p class="quiet">{words.checking}</p>}
      {preview !== null && <Findings preview={preview} logins={Object.keys(draft.logins)} />}
      <div class="actions">
        {isConflict ? (
          <button type="button" class="primary" onClick={() => onRebase(newest)}>
            {words.keep(newest)}
          </button>
        ) : (
          <button
            type="button"
            class="primary"
            disabled={isBusy || preview === null || preview.error !== null}
            onClick={push}
          >
            {isBusy ? words.pushing : words.push}
          </button>
        )}
        {isConflict && (
          <button type="button" class="plain" onClick={onDiscard}>
            {words.take(newest)}
          </button>
        )}
        <button type="button" class="plain" onClick={onBack}>
          {words.back}
        </button>
      </div>
    </section>
  );
}

function Findings({ preview, logins }: { preview: ConfigurationPreview; logins: readonly string[] }) {
  const { error, risks, against, lines } = preview;
  const { reviewing: words, line } = useWords().editor;
  return (
    <>
      {error !== null && (
        <p class="notice tone-bad" role="alert">
          <span class="dot" aria-hidden="true" />
          <span class="lines">
            {error.message.replaceAll(/^settings:(\d+):\d+: /gm, (_, at: string) => `${line(Number(at))}: `)}
          </span>
        </p>
      )}
      {risks.map((risk) => (
        <p key={risk} class="notice tone-warn">
          <span class="dot" aria-hidden="true" />
          {risk.charAt(0).toUpperCase() + risk.slice(1)}.
        </p>
      ))}
      {logins.length > 0 && <p>{words.login(logins.join(', '))}</p>}
      <p class="quiet">{against === null ? words.first : words.against(against)}</p>
      <Difference lines={lines} label={words.changes} />
    </>
  );
}
