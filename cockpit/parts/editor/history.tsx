import { useEffect, useState } from 'preact/hooks';
import type { ConfigurationPreview, ConfigurationSummary, GatewayView } from '#protocol/api.ts';
import { useWords } from '../../hooks/use-words.ts';
import { ConfigurationApi } from '../../site/configuration-api.ts';
import { formatMoment } from '../../view/format.ts';
import { errorWords } from '../../view/gateway-words.ts';
import { Difference } from './difference.tsx';

type Props = { readonly gateway: GatewayView; readonly nowMs: number; readonly isReadOnly: boolean };

/** Every version of a gateway's settings, newest first, and the way back to one. */
export function SettingsHistory({ gateway, nowMs, isReadOnly }: Props) {
  const words = useWords();
  const says = words.editor.history;
  const [versions, setVersions] = useState<readonly ConfigurationSummary[] | null>(null);
  const [failure, setFailure] = useState<string | null>(null);
  const [open, setOpen] = useState<number | null>(null);
  const { configuration } = gateway;
  useEffect(() => {
    let isCurrent = true;
    new ConfigurationApi(gateway.name).history().then((answer) => {
      if (!isCurrent) return;
      if (answer.ok) setVersions(answer.value);
      else setFailure(answer.message);
    });
    return () => {
      isCurrent = false;
    };
    // Whatever the gateway says anew about its settings may change a row.
  }, [gateway.name, configuration?.version, configuration?.status]);
  if (failure !== null) return <p class="notice tone-bad">{failure}</p>;
  if (versions === null) return <p class="opening">{says.reading}</p>;
  if (versions.length === 0) return <p class="quiet">{says.none}</p>;
  return (
    <ol class="versions">
      {versions.map((one) => (
        <li key={one.version} class="card version">
          <div class="version-head">
            <h3>{words.editor.push.version(one.version)}</h3>
            <span class={`chip tone-${toneOf(one, configuration?.running ?? null)}`}>
              <span class="dot" aria-hidden="true" />
              {one.version === configuration?.running
                ? says.runs
                : words.gateways.settings.status[one.status]}
            </span>
            <span class="quiet">
              {says.by(formatMoment(Date.parse(one.pushed), nowMs, words), one.author)}
            </span>
            {one.version !== configuration?.version && !isReadOnly && (
              <button
                type="button"
                class="plain"
                aria-expanded={open === one.version}
                onClick={() => setOpen(open === one.version ? null : one.version)}
              >
                {open === one.version ? says.close : says.goBack}
              </button>
            )}
          </div>
          {one.error !== null && <p class="field-problem">{errorWords(one.error)}</p>}
          {open === one.version && (
            <WayBack
              gateway={gateway}
              version={one.version}
              isReadOnly={isReadOnly}
              onDone={() => setOpen(null)}
            />
          )}
        </li>
      ))}
    </ol>
  );
}

function toneOf({ version, status }: ConfigurationSummary, running: number | null): string {
  if (version === running) return 'good';
  if (status === 'rejected' || status === 'reverted') return 'bad';
  return status === 'pending' || status === 'received' ? 'wait' : 'off';
}

/** What going back would change, and the button. */
function WayBack(props: {
  readonly gateway: GatewayView;
  readonly version: number;
  readonly isReadOnly: boolean;
  readonly onDone: () => void;
}) {
  const { gateway, version, isReadOnly, onDone } = props;
  const says = useWords().editor.history;
  const [preview, setPreview] = useState<ConfigurationPreview | null>(null);
  const [failure, setFailure] = useState<string | null>(null);
  const [isBusy, setIsBusy] = useState(false);
  const newest = gateway.configuration?.version ?? 0;
  const api = new ConfigurationApi(gateway.name);
  useEffect(() => {
    let isCurrent = true;
    const read = async () => {
      const shown = await api.show(version);
      const answer = shown.ok ? await api.preview(shown.value.settings, {}) : shown;
      if (!isCurrent) return;
      if (answer.ok) setPreview(answer.value);
      else setFailure(answer.message);
    };
    void read();
    return () => {
      isCurrent = false;
    };
  }, [gateway.name, version]);
  const goBack = async () => {
    setIsBusy(true);
    const answer = await api.rollBack(version, newest);
    setIsBusy(false);
    if (answer.ok) return onDone();
    setFailure(answer.message);
  };
  return (
    <div class="way-back">
      {failure !== null && (
        <p class="notice tone-bad" role="alert">
          {failure}
        </p>
      )}
      {preview !== null && (
        <>
          <p class="quiet">{preview.against === null ? says.says : says.against(preview.against)}</p>
          <Difference lines={preview.lines} label={says.changes(version)} />
        </>
      )}
      <button type="button" class="primary" disabled={isReadOnly || isBusy} onClick={goBack}>
        {isBusy ? says.going : says.again(version)}
      </button>
    </div>
  );
}
