import { useWords } from '../../hooks/use-words.ts';

/** Lines of `diff -u`, with what goes and what comes told apart by sign and color. */
export function Difference({ lines, label }: { lines: readonly string[]; label: string }) {
  const { same } = useWords().editor.reviewing;
  if (lines.length === 0) return <p class="quiet">{same}</p>;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be scrolled by the keyboard, too
    <section class="difference" aria-label={label} tabIndex={0}>
      <pre>
        {lines.map((line, index) => (
          <span key={index} class={KINDS[line.charAt(0)] ?? ''}>
            {line}
            {'\n'}
          </span>
        ))}
      </pre>
    </section>
  );
}

const KINDS: Readonly<Record<string, string>> = { '+': 'is-added', '-': 'is-removed', '@': 'is-gap' };
