import { useEffect } from 'preact/hooks';
import { forgetDrafts, forgetLogins } from '../hooks/use-draft.ts';
import { useLanguage } from '../hooks/use-language.ts';
import { useNow } from '../hooks/use-now.ts';
import { useRoute } from '../hooks/use-route.ts';
import { useSite } from '../hooks/use-site.ts';
import { useTab } from '../hooks/use-tab.ts';
import { useTheme } from '../hooks/use-theme.ts';
import { useWords, WordsContext } from '../hooks/use-words.ts';
import { closeSession } from '../site/open-session.ts';
import { formatAge, formatClock } from '../view/format.ts';
import { may } from '../view/may.ts';
import { siteNeeds, unacknowledged } from '../view/site-needs.ts';
import { wordsOf } from '../words/language.ts';
import { Empty } from './empty.tsx';
import { Headline } from './headline.tsx';
import { Login } from './login.tsx';
import { SiteHeader } from './site-header.tsx';
import { SiteNav } from './site-nav.tsx';
import { View } from './view.tsx';

/** How to log in where the backend does not say. */
const BY_TOKEN = { password: false, token: true };

/** The page. */
export function Cockpit() {
  const { language, toggle: toggleLanguage } = useLanguage();
  const words = wordsOf(language);
  const { model, restart } = useSite();
  const { theme, toggle } = useTheme();
  const browserMs = useNow();
  const route = useRoute();
  const { phase, site, session, awaySinceMs } = model;
  const nowMs = browserMs + model.clockOffsetMs;
  const needs = siteNeeds(model, nowMs, words);
  useTab(needs, site?.site ?? null);
  const logOut = () => {
    forgetDrafts();
    void closeSession().then(restart);
  };
  useEffect(() => {
    if (phase === 'locked') forgetLogins();
  }, [phase]);
  return (
    <WordsContext.Provider value={words}>
      <button type="button" class="skip" onClick={skip}>
        {words.nav.skip}
      </button>
      <SiteHeader
        model={model}
        theme={theme}
        onToggleTheme={toggle}
        onToggleLanguage={toggleLanguage}
        onLogOut={logOut}
      />
      {site !== null && (
        <SiteNav
          view={route.view}
          alerts={unacknowledged(site).length}
          maySeeJournal={may(session, 'integrator')}
        />
      )}
      <main id="content" tabIndex={-1} class={phase === 'away' ? 'is-away' : ''}>
        {phase === 'locked' && <Login ways={session?.logIn ?? BY_TOKEN} onOpened={restart} />}
        {site !== null && <Headline needs={needs} isLarge={route.view === 'cameras'} />}
        {awaySinceMs !== null && site !== null && <Away sinceMs={awaySinceMs} nowMs={browserMs} />}
        {phase === 'opening' && <p class="opening">{words.opening}</p>}
        {awaySinceMs !== null && site === null && (
          <Empty title={words.away.title}>{words.away.trying(formatClock(awaySinceMs))}</Empty>
        )}
        <View route={route} model={model} theme={theme} nowMs={nowMs} />
      </main>
    </WordsContext.Provider>
  );
}

/** Not by a link: the address behind the `#` is that of a view. */
function skip(): void {
  document.getElementById('content')?.focus();
}

function Away({ sinceMs, nowMs }: { sinceMs: number; nowMs: number }) {
  const words = useWords();
  return (
    <p class="notice tone-bad away">
      <span class="dot" aria-hidden="true" />
      <span>{words.away.notice(formatClock(sinceMs), formatAge(nowMs - sinceMs, words))}</span>
    </p>
  );
}
