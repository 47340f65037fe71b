import type { Theme } from '../hooks/use-theme.ts';
import { useWords } from '../hooks/use-words.ts';
import { historyOf, type SiteModel } from '../site/site-model.ts';
import { byNeed } from '../view/need.ts';
import { notices } from '../view/notices.ts';
import { gatewayLink } from '../view/route.ts';
import { MOST_CARDS } from '../view/shown-cameras.ts';
import { siteCommand } from '../view/site-command.ts';
import { tilesOf } from '../view/tile.ts';
import { AlertBanner } from './alert-banner.tsx';
import { CameraCard } from './camera-card.tsx';
import { Counters } from './counters.tsx';
import { Empty } from './empty.tsx';
import { GatewayPanel } from './gateway-panel.tsx';
import { NeedList } from './need-list.tsx';
import { Protection } from './protection.tsx';
import { TileWall } from './tile-wall.tsx';

type Props = { readonly model: SiteModel; readonly theme: Theme; readonly nowMs: number };

/** The entire site: what needs somebody, every camera, and for whoever asks what was counted. */
export function Overview({ model, theme, nowMs }: Props) {
  const { site } = model;
  const words = useWords();
  if (site === null) return null;
  const isAway = model.phase === 'away';
  return (
    <>
      <AlertBanner site={site} nowMs={nowMs} />
      <NeedList items={notices(site, nowMs, words)} />
      {site.gateways.length === 0 ? (
        <Empty title={words.empty.noGateway}>
          {words.first.enrol[0]}
          <code>{siteCommand(site, 'gateway enrol NAME --out FOLDER')}</code>
          {words.first.enrol[1]}
        </Empty>
      ) : (
        site.cameras.length === 0 && (
          <Empty title={words.empty.noCamera}>
            {words.first.add[0]}
            <a href={gatewayLink(site.gateways[0]?.name ?? '', 'settings')}>{words.first.add[1]}</a>
            {words.first.add[2]}
            <code>agent.yaml</code>
            {words.first.add[3]}
          </Empty>
        )
      )}
      {site.cameras.length > MOST_CARDS ? (
        <TileWall site={site} nowMs={nowMs} isAway={isAway} />
      ) : (
        <section
          class={`cameras ${site.cameras.length === 1 ? 'is-single' : ''}`}
          aria-label={words.nav.cameras}
        >
          {cardOrder(model, nowMs).map((camera) => (
            <CameraCard
              key={camera.camera}
              {...{ site, camera, theme, nowMs, isAway }}
              historyOf={(region) => historyOf(model, camera.camera, region)}
            />
          ))}
        </section>
      )}
      <details class="more site-details">
        <summary>{words.camera.details}</summary>
        <Counters site={site} />
        {site.gateways.length === 1 && (
          <div class="gateways">
            {site.gateways.map((gateway) => (
              <GatewayPanel key={gateway.name} gateway={gateway} nowMs={nowMs} />
            ))}
          </div>
        )}
      </details>
      <Protection site={site} />
    </>
  );

  /** Whichever needs somebody stands first; large cards that are well do not change places with one another. */
  function cardOrder({ phase }: SiteModel, atMs: number) {
    if (site === null) return [];
    const tones = new Map(
      tilesOf(site, atMs, words, phase === 'away').map(({ camera, tone }) => [camera, tone]),
    );
    const tone = (camera: string) => tones.get(camera) ?? 'off';
    return [...site.cameras].sort((a, b) => byNeed(tone(a.camera), tone(b.camera)));
  }
}
