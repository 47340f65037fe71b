import type { Theme } from '../hooks/use-theme.ts';
import { useWords } from '../hooks/use-words.ts';
import type { SiteModel } from '../site/site-model.ts';
import { may } from '../view/may.ts';
import { notices } from '../view/notices.ts';
import type { Route } from '../view/route.ts';
import { AlertInbox } from './alert-inbox.tsx';
import { CameraPage } from './camera-page.tsx';
import { Empty } from './empty.tsx';
import { EventList } from './event-list.tsx';
import { FleetTable } from './fleet-table.tsx';
import { GatewayPage } from './gateway-page.tsx';
import { Journal } from './journal.tsx';
import { NeedList } from './need-list.tsx';
import { Overview } from './overview.tsx';
import { RuleList } from './rule-list.tsx';

type Props = {
  readonly route: Route;
  readonly model: SiteModel;
  readonly theme: Theme;
  /** The site's clock. */
  readonly nowMs: number;
};

/** What the address asks for. */
export function View({ route, model, theme, nowMs }: Props) {
  const { site, session } = model;
  const words = useWords();
  if (site === null) return null;
  switch (route.view) {
    case 'cameras':
      return <Overview model={model} theme={theme} nowMs={nowMs} />;
    case 'camera':
      return <CameraPage key={route.camera} name={route.camera} model={model} theme={theme} nowMs={nowMs} />;
    case 'alerts':
      return <AlertInbox site={site} nowMs={nowMs} mayAcknowledge={may(session, 'operator')} />;
    case 'events':
      return <EventList site={site} nowMs={nowMs} mayReview={may(session, 'operator')} />;
    case 'rules':
      return <RuleList site={site} mayChange={may(session, 'operator')} />;
    case 'journal':
      return <Journal nowMs={nowMs} />;
    case 'gateways':
      return (
        <>
          <FleetTable
            site={site}
            nowMs={nowMs}
            mayOperate={may(session, 'operator')}
            mayOwn={may(session, 'owner')}
          />
          <NeedList items={notices(site, nowMs, words)} />
        </>
      );
    case 'gateway': {
      const gateway = site.gateways.find(({ name }) => name === route.gateway);
      if (gateway === undefined)
        return <Empty title={words.gateways.none}>{words.gateways.noneText(route.gateway)}</Empty>;
      const settings = `deployment ${gateway.name}`;
      return (
        <>
          <NeedList
            items={notices(site, nowMs, words).filter(
              ({ key }) => key.endsWith(` ${gateway.name}`) && key !== settings,
            )}
          />
          <GatewayPage
            key={gateway.name}
            gateway={gateway}
            cameras={site.cameras.filter((camera) => camera.gateway === gateway.name)}
            tab={route.tab}
            nowMs={nowMs}
            isReadOnly={!may(session, 'operator')}
            maySeeSettings={may(session, 'integrator')}
            mayOwn={may(session, 'owner')}
          />
        </>
      );
    }
  }
}
