import { useNow } from '../hooks/use-now.ts';
import { useSite } from '../hooks/use-site.ts';
import { useTheme } from '../hooks/use-theme.ts';
import { formatAge, formatClock } from '../view/format.ts';
import { Empty } from './empty.tsx';
import { Login } from './login.tsx';
import { Overview } from './overview.tsx';
import { SiteHeader } from './site-header.tsx';

/** The page. */
export function Cockpit() {
  const { model, unlock } = useSite();
  const { theme, toggle } = useTheme();
  const browserMs = useNow();
  return (
    <>
      <SiteHeader model={model} theme={theme} onToggleTheme={toggle} />
      <main class={model.phase === 'away' ? 'is-away' : ''}>
        {model.phase === 'locked' && <Login onOpened={unlock} />}
        {model.awaySinceMs !== null && model.site !== null && (
          <Away sinceMs={model.awaySinceMs} nowMs={browserMs} />
        )}
        {model.phase === 'opening' && <p class="opening">Opening the cockpit …</p>}
        {model.awaySinceMs !== null && model.site === null && (
          <Empty title="The backend does not answer">
            No answer since {formatClock(model.awaySinceMs)}. This page keeps trying.
          </Empty>
        )}
        <Overview model={model} theme={theme} nowMs={browserMs + model.clockOffsetMs} />
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
