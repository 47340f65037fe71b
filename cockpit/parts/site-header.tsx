import type { Theme } from '../hooks/use-theme.ts';
import type { SiteModel } from '../site/site-model.ts';
import type { Tone } from '../view/tone.ts';
import { Chip } from './chip.tsx';
import { ClosedEye, Moon, Sun } from './icons.tsx';
import { Who } from './who.tsx';

type Props = {
  readonly model: SiteModel;
  readonly theme: Theme;
  readonly onToggleTheme: () => void;
  readonly onLogOut: () => void;
};

/** Name of the site, who is logged in, whether the page is live, and the light switch. */
export function SiteHeader({ model, theme, onToggleTheme, onLogOut }: Props) {
  const person = model.session?.person ?? null;
  const { tone, word } = linkWords(model);
  const other = theme === 'dark' ? 'light' : 'dark';
  return (
    <header class="site-header">
      <h1>
        <ClosedEye />
        <span class="site-title">
          <span>Blindsight</span>
          {model.site !== null && <span class="site-name">{model.site.site}</span>}
        </span>
      </h1>
      <div class="site-tools">
        {person !== null && <Who person={person} onLogOut={onLogOut} />}
        {model.phase !== 'locked' && (
          <span role="status" class="link-state">
            <Chip tone={tone}>{word}</Chip>
          </span>
        )}
        <button
          type="button"
          class="tool"
          onClick={onToggleTheme}
          aria-label={`Switch to the ${other} theme`}
          title={`Switch to the ${other} theme`}
        >
          {theme === 'dark' ? <Sun /> : <Moon />}
        </button>
      </div>
    </header>
  );
}

function linkWords(model: SiteModel): { tone: Tone; word: string } {
  if (model.phase === 'away') return { tone: 'bad', word: 'Backend unreachable' };
  if (model.phase !== 'live') return { tone: 'wait', word: 'Connecting' };
  return model.site?.broker.connected === false
    ? { tone: 'warn', word: 'Broker unreachable' }
    : { tone: 'good', word: 'Live' };
}
