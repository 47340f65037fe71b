import type { CameraView, GatewayView } from '#protocol/api.ts';
import { useLoaded } from '../hooks/use-loaded.ts';
import { cameraWords } from '../view/camera-words.ts';
import { GATEWAY_TABS, type GatewayTab, gatewayLink } from '../view/route.ts';
import { Chip } from './chip.tsx';
import { GatewayCommands } from './gateway-commands.tsx';
import { GatewayKeys } from './gateway-keys.tsx';
import { GatewayPanel } from './gateway-panel.tsx';

type Props = {
  readonly gateway: GatewayView;
  /** Of this gateway. */
  readonly cameras: readonly CameraView[];
  readonly tab: GatewayTab;
  readonly nowMs: number;
  readonly isReadOnly: boolean;
  /** Settings name addresses of cameras: not for everybody. */
  readonly maySeeSettings: boolean;
  /** New keys are the owner's to give. */
  readonly mayOwn: boolean;
};

const NAMES: Readonly<Record<GatewayTab, string>> = {
  state: 'State',
  settings: 'Settings',
  history: 'History',
};

/** One gateway: how it is, its settings, and how they came to be. */
export function GatewayPage(props: Props) {
  const { gateway, cameras, nowMs, isReadOnly, maySeeSettings, mayOwn } = props;
  const tab = maySeeSettings ? props.tab : 'state';
  return (
    <section class="gateway-page" aria-labelledby="gateway-title">
      <header class="gateway-page-head">
        <h2 id="gateway-title">{gateway.name}</h2>
        {maySeeSettings && (
          <nav class="tabs" aria-label={`Gateway ${gateway.name}`}>
            {GATEWAY_TABS.map((one) => (
              <a
                key={one}
                href={gatewayLink(gateway.name, one)}
                aria-current={one === tab ? 'page' : undefined}
              >
                {NAMES[one]}
              </a>
            ))}
          </nav>
        )}
      </header>
      {tab === 'state' ? (
        <>
          <GatewayPanel gateway={gateway} nowMs={nowMs} isWhole={true} />
          <GatewayCommands gateway={gateway.name} nowMs={nowMs} isReadOnly={isReadOnly} />
          {mayOwn && gateway.model !== null && <GatewayKeys gateway={gateway.name} />}
          <CameraRows cameras={cameras} isOnline={gateway.state !== 'offline'} nowMs={nowMs} />
        </>
      ) : (
        <Later {...props} />
      )}
    </section>
  );
}

function CameraRows(props: {
  readonly cameras: readonly CameraView[];
  readonly isOnline: boolean;
  readonly nowMs: number;
}) {
  const { cameras, isOnline, nowMs } = props;
  if (cameras.length === 0) return <p class="quiet">No camera yet.</p>;
  return (
    <ul class="card camera-rows" aria-label="Cameras">
      {cameras.map(({ camera, state, unusual }) => {
        const words = cameraWords(state, isOnline, nowMs, unusual);
        return (
          <li key={camera}>
            <strong>{camera}</strong>
            <Chip tone={words.tone}>{words.word}</Chip>
            <span class="quiet">{words.reason === '' ? (state?.detail ?? '') : words.reason}</span>
          </li>
        );
      })}
    </ul>
  );
}

/** Settings and history come when somebody looks at them first: the page of answers stays light. */
function Later({ gateway, cameras, tab, nowMs, isReadOnly }: Props) {
  const part = useLoaded(() => import('./editor/index.tsx'));
  if (part === 'loading') return <p class="opening">Opening …</p>;
  if (part === 'failed')
    return (
      <p class="notice tone-bad">
        This part of the page cannot be loaded: the backend does not answer. Reload the page.
      </p>
    );
  const { SettingsEditor, SettingsHistory } = part;
  return tab === 'settings' ? (
    <SettingsEditor key={gateway.name} gateway={gateway} cameras={cameras} isReadOnly={isReadOnly} />
  ) : (
    <SettingsHistory key={gateway.name} gateway={gateway} nowMs={nowMs} isReadOnly={isReadOnly} />
  );
}
