import type { Theme } from '../hooks/use-theme.ts';
import { historyOf, type SiteModel } from '../site/site-model.ts';
import { notices } from '../view/notices.ts';
import { gatewayLink } from '../view/route.ts';
import { siteCommand } from '../view/site-command.ts';
import { CameraCard } from './camera-card.tsx';
import { Counters } from './counters.tsx';
import { Empty } from './empty.tsx';
import { GatewayPanel } from './gateway-panel.tsx';
import { NoticeList } from './notice-list.tsx';
import { Protection } from './protection.tsx';

type Props = { readonly model: SiteModel; readonly theme: Theme; readonly nowMs: number };

/** The entire site: what needs attention, every camera, every gateway, the counters. */
export function Overview({ model, theme, nowMs }: Props) {
  const { site } = model;
  if (site === null) return null;
  return (
    <>
      <NoticeList items={notices(site, nowMs)} />
      {site.gateways.length === 0 ? (
        <Empty title="No gateway yet">
          Enrol one with <code>{siteCommand(site, 'gateway enrol NAME --out FOLDER')}</code> and start it near
          a camera. It appears here by itself.
        </Empty>
      ) : (
        site.cameras.length === 0 && (
          <Empty title="No camera yet">
            Add a camera to the <a href={gatewayLink(site.gateways[0]?.name ?? '', 'settings')}>settings</a>{' '}
            of a gateway, or to its <code>agent.yaml</code>. It appears as soon as the gateway reports it.
          </Empty>
        )
      )}
      <section class={`cameras ${site.cameras.length === 1 ? 'is-single' : ''}`} aria-label="Cameras">
        {site.cameras.map((camera) => (
          <CameraCard
            key={camera.camera}
            site={site}
            camera={camera}
            historyOf={(region) => historyOf(model, camera.camera, region)}
            theme={theme}
            nowMs={nowMs}
          />
        ))}
      </section>
      {site.gateways.length === 1 && (
        <section class="group" aria-labelledby="gateways-title">
          <h2 id="gateways-title">Gateways</h2>
          <div class="gateways">
            {site.gateways.map((gateway) => (
              <GatewayPanel key={gateway.name} gateway={gateway} nowMs={nowMs} />
            ))}
          </div>
        </section>
      )}
      <section class="group" aria-labelledby="counters-title">
        <h2 id="counters-title">Counted since the site was set up</h2>
        <Counters site={site} />
      </section>
      <Protection site={site} />
    </>
  );
}
