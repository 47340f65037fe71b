import type { CameraView, GatewayView } from '#protocol/api.ts';
import { useLoaded } from '../hooks/use-loaded.ts';
import { useWords } from '../hooks/use-words.ts';
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

/** One gateway: how it is, its settings, and how they came to be. */
export function GatewayPage(props: Props) {
  const { gateway, cameras, nowMs, isReadOnly, maySeeSettings, mayOwn } = props;
  const words = useWords().gateways;
  const tab = maySeeSettings ? props.tab : 'state';
  return (
    <section class="gateway-page" aria-labelledby="gateway-title">
      <header class="gateway-page-head">
        <h2 id="gateway-title">{gateway.name}</h2>
        {maySeeSettings && (
          <nav class="tabs" aria-label={words.one(gateway.name)}>
            {GATEWAY_TABS.map((one) => (
              <a
                key={one}
                href={gatewayLink(gateway.name, one)}
                aria-current={one === tab ? 'page' : undefined}
              >
                {words.page.tabs[one]}
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
  const words = useWords();
  const { page } = words.gateways;
  if (cameras.length === 0) return <p class="quiet">{page.noCamera}</p>;
  return (
    <ul class="card camera-rows" aria-label={page.cameras}>
      {cameras.map(({ camera, state, unusual }) => {
        const told = cameraWords(state, isOnline, nowMs, unusual, words);
        return (
          <li key={camera}>
            <strong>{camera}</strong>
            <Chip tone={told.tone}>{told.word}</Chip>
            <span class="quiet">{told.reason === '' ? (state?.detail ?? '') : told.reason}</span>
          </li>
        );
      })}
    </ul>
  );
}

/** Settings and history come when somebody looks at them first: the page of answers stays light. */
function Later({ gateway, cameras, tab, nowMs, isReadOnly }: Props) {
  const { page } = useWords().gateways;
  const part = useLoaded(() => import('./editor/index.tsx'));
  if (part === 'loading') return <p class="opening">{page.opening}</p>;
  if (part === 'failed') return <p class="notice tone-bad">{page.failed}</p>;
  const { SettingsEditor, SettingsHistory } = part;
  return tab === 'settings' ? (
    <SettingsEditor key={gateway.name} gateway={gateway} cameras={cameras} isReadOnly={isReadOnly} />
  ) : (
    <SettingsHistory key={gateway.name} gateway={gateway} nowMs={nowMs} isReadOnly={isReadOnly} />
  );
}
