import { useEffect } from 'preact/hooks';
import type { SiteState } from '#protocol/api.ts';
import { forgetDrafts, forgetLogins } from '../hooks/use-draft.ts';
import { useNow } from '../hooks/use-now.ts';
import { useRoute } from '../hooks/use-route.ts';
import { useSite } from '../hooks/use-site.ts';
import { type Theme, useTheme } from '../hooks/use-theme.ts';
import { closeSession } from '../site/open-session.ts';
import type { SiteModel } from '../site/site-model.ts';
import { formatAge, formatClock } from '../view/format.ts';
import { may } from '../view/may.ts';
import { type Notice, notices } from '../view/notices.ts';
import type { Route } from '../view/route.ts';
import { Empty } from './empty.tsx';
import { FleetTable } from './fleet-table.tsx';
import { GatewayPage } from './gateway-page.tsx';
import { Login } from './login.tsx';
import { NoticeList } from './notice-list.tsx';
import { Overview } from './overview.tsx';
import { SiteHeader } from './site-header.tsx';

type ViewProps = { readonly model: SiteModel; readonly theme: Theme; readonly nowMs: number };

/** How to log in where the backend does not say. */
const BY_TOKEN = { password: false, token: true };

/** A site of more gateways begins with them: as many cameras fit no screen. */
const MANY_GATEWAYS = 8;

/** What the address asks for: everything at once where there is one gateway, else answers or gateways; or one gateway. */
function View({ model, theme, nowMs }: ViewProps) {
  const route = useRoute();
  const { site } = model;
  if (site === null) return null;
  const view = route.view === 'start' && site.gateways.length > MANY_GATEWAYS ? 'gateways' : route.view;
  const links = <SiteNav site={site} view={view} />;
  if (route.view === 'gateway') {
    const gateway = site.gateways.find(({ name }) => name === route.gateway);
    return (
      <>
        {links}
        {gateway === undefined ? (
          <Empty title="No such gateway">This site has no gateway of the name {route.gateway}.</Empty>
        ) : (
          <>
            <NoticeList items={noticesAbout(gateway.name, site, nowMs)} />
            <GatewayPage
              key={gateway.name}
              gateway={gateway}
              cameras={site.cameras.filter((camera) => camera.gateway === gateway.name)}
              tab={route.tab}
              nowMs={nowMs}
              isReadOnly={!may(model.session, 'operator')}
              maySeeSettings={may(model.session, 'integrator')}
              mayOwn={may(model.session, 'owner')}
            />
          </>
        )}
      </>
    );
  }
  if (view === 'gateways' && site.gateways.length > 0) {
    return (
      <>
        {links}
        <FleetTable
          site={site}
          nowMs={nowMs}
          mayOperate={may(model.session, 'operator')}
          mayOwn={may(model.session, 'owner')}
        />
        <NoticeList items={notices(site, nowMs)} />
      </>
    );
  }
  return (
    <>
      {links}
      <Overview model={model} theme={theme} nowMs={nowMs} />
    </>
  );
}

/** The page. */
export function Cockpit() {
  const { model, restart } = useSite();
  const { theme, toggle } = useTheme();
  const browserMs = useNow();
  const logOut = () => {
    forgetDrafts();
    void closeSession().then(restart);
  };
  useEffect(() => {
    if (model.phase === 'locked') forgetLogins();
  }, [model.phase]);
  return (
    <>
      <SiteHeader model={model} theme={theme} onToggleTheme={toggle} onLogOut={logOut} />
      <main class={model.phase === 'away' ? 'is-away' : ''}>
        {model.phase === 'locked' && <Login ways={model.session?.logIn ?? BY_TOKEN} onOpened={restart} />}
        {model.awaySinceMs !== null && model.site !== null && (
          <Away sinceMs={model.awaySinceMs} nowMs={browserMs} />
        )}
        {model.phase === 'opening' && <p class="opening">Opening the cockpit …</p>}
        {model.awaySinceMs !== null && model.site === null && (
          <Empty title="The backend does not answer">
            No answer since {formatClock(model.awaySinceMs)}. This page keeps trying.
          </Empty>
        )}
        <View model={model} theme={theme} nowMs={browserMs + model.clockOffsetMs} />
      </main>
    </>
  );
}

function Away({ sinceMs, nowMs }: { sinceMs: number; nowMs: number }) {
  return (
    <p class="notice tone-bad away">
      <span class="dot" aria-hidden="true" />
      <span>
        The backend has been unreachable since {formatClock(sinceMs)} ({formatAge(nowMs - sinceMs)}). Below is
        what it last reported. Meanwhile, gateways keep their answers.
      </span>
    </p>
  );
}

/** The two sides of a site: what its cameras see, and the gateways that see it. One gateway alone needs no way between them. */
function SiteNav({ site, view }: { site: SiteState; view: Route['view'] }) {
  if (site.gateways.length < 2 && view !== 'gateway' && view !== 'gateways') return null;
  return (
    <nav class="tabs site-nav" aria-label="Site">
      <a href="#/cameras" aria-current={view === 'cameras' || view === 'start' ? 'page' : undefined}>
        Cameras
      </a>
      <a href="#/gateways" aria-current={view === 'gateways' ? 'page' : undefined}>
        Gateways
      </a>
    </nav>
  );
}

/** What concerns one gateway, of all that needs attention. */
function noticesAbout(gateway: string, site: SiteState, nowMs: number): readonly Notice[] {
  const settings = `deployment ${gateway}`;
  return notices(site, nowMs).filter(({ key }) => key.endsWith(` ${gateway}`) && key !== settings);
}
