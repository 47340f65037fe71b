import type { Theme } from '../hooks/use-theme.ts';
import { useWords } from '../hooks/use-words.ts';
import type { SiteModel } from '../site/site-model.ts';
import type { Tone } from '../view/tone.ts';
import type { Words } from '../words/en.ts';
import { Chip } from './chip.tsx';
import { ClosedEye, Moon, Sun } from './icons.tsx';
import { Who } from './who.tsx';

type Props = {
  readonly model: SiteModel;
  readonly theme: Theme;
  readonly onToggleTheme: () => void;
  readonly onToggleLanguage: () => void;
  readonly onLogOut: () => void;
};

/** Name of the site, who is logged in, whether the page is live, its language, and the light switch. */
export function SiteHeader({ model, theme, onToggleTheme, onToggleLanguage, onLogOut }: Props) {
  const words = useWords();
  const person = model.session?.person ?? null;
  const { tone, word } = linkWords(model, words);
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
          class="link"
          lang={words.language === 'English' ? 'de' : 'en'}
          onClick={onToggleLanguage}
        >
          {words.switchLanguage}
        </button>
        <button
          type="button"
          class="tool"
          onClick={onToggleTheme}
          aria-label={words.theme[other]}
          title={words.theme[other]}
        >
          {theme === 'dark' ? <Sun /> : <Moon />}
        </button>
      </div>
    </header>
  );
}

function linkWords(model: SiteModel, { link }: Words): { tone: Tone; word: string } {
  if (model.phase === 'away') return { tone: 'bad', word: link.away };
  if (model.phase !== 'live') return { tone: 'wait', word: link.connecting };
  return model.site?.broker.connected === false
    ? { tone: 'bad', word: link.broker }
    : { tone: 'good', word: link.live };
}
