import { useWords } from '../../hooks/use-words.ts';
import type { SettingsProblem } from '../../view/settings-problems.ts';

type Props = {
  readonly text: string;
  readonly problems: readonly SettingsProblem[];
  readonly isReadOnly: boolean;
  readonly onChange: (text: string) => void;
};

/** The same settings as text, for those who know them. */
export function YamlView({ text, problems, isReadOnly, onChange }: Props) {
  const words = useWords().editor;
  return (
    <div class="field yaml">
      <label for="settings-text">{words.text}</label>
      <textarea
        id="settings-text"
        rows={Math.min(Math.max(text.split('\n').length + 2, 14), 40)}
        spellcheck={false}
        autoComplete="off"
        autoCapitalize="off"
        wrap="off"
        readOnly={isReadOnly}
        value={text}
        aria-invalid={problems.length > 0}
        aria-describedby="settings-text-help"
        onInput={(event) => onChange(event.currentTarget.value)}
      />
      <div id="settings-text-help">
        {problems.map(({ line, path, text: what }) => (
          <p key={`${line} ${path} ${what}`} class="field-problem">
            {words.line(line)}
            {path === '' ? '' : `, ${path}`}: {what}
          </p>
        ))}
      </div>
    </div>
  );
}
