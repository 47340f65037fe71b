import { useEffect, useState } from 'preact/hooks';
import type { ConfigurationPreview } from '#protocol/api.ts';
import type { Draft } from '../../hooks/use-draft.ts';
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
    setFailure(`Nothing was pushed: ${answer.message}.`);
  };
  return (
    <section class="card review" aria-labelledby="review-title">
      <h3 id="review-title">
        {isConflict ? `Somebody else pushed version ${newest}` : `Push to ${gateway}`}
      </h3>
      {isConflict && (
        <p>
          Your changes began with version {draft.base} and are all still here. Below is how they differ from
          version {newest}: pushed now, they would replace it.
        </p>
      )}
      {failure !== null && (
        <p class="notice tone-bad" role="alert">
          <span class="dot" aria-hidden="true" />
          {failure}
        </p>
      )}
      {preview === null && failure === null && <p class="quiet">Checking …</p>}
      {preview !== null && <Findings preview={preview} logins={Object.keys(draft.logins)} />}
      <div class="actions">
        {isConflict ? (
          <button type="button" class="primary" onClick={() => onRebase(newest)}>
            Keep mine, on top of version {newest}
          </button>
        ) : (
          <button
            type="button"
            class="primary"
            disabled={isBusy || preview === null || preview.error !== null}
            onClick={push}
          >
            {isBusy ? 'Pushing …' : 'Push'}
          </button>
        )}
        {isConflict && (
          <button type="button" class="plain" onClick={onDiscard}>
            Take version {newest}, drop mine
          </button>
        )}
        <button type="button" class="plain" onClick={onBack}>
          Back to editing
        </button>
      </div>
    </section>
  );
}

function Findings({ preview, logins }: { preview: ConfigurationPreview; logins: readonly string[] }) {
  const { error, risks, against, lines } = preview;
  return (
    <>
      {error !== null && (
        <p class="notice tone-bad" role="alert">
          <span class="dot" aria-hidden="true" />
          <span class="lines">{error.message.replaceAll(/^settings:(\d+):\d+: /gm, 'Line $1: ')}</span>
        </p>
      )}
      {risks.map((risk) => (
        <p key={risk} class="notice tone-warn">
          <span class="dot" aria-hidden="true" />
          {risk.charAt(0).toUpperCase() + risk.slice(1)}.
        </p>
      ))}
      {logins.length > 0 && <p>New login for {logins.join(', ')}.</p>}
      <p class="quiet">
        {against === null
          ? 'The first settings that this site gives the gateway; its own file stays on it, unused.'
          : `Compared with version ${against}:`}
      </p>
      <Difference lines={lines} label="What changes" />
    </>
  );
}
