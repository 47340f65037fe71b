import type { Tone } from '../view/tone.ts';

/** A state in a word, with a dot whose shape and color both say how it is. */
export function Chip({ tone, children }: { tone: Tone; children: string }) {
  return (
    <span class={`chip tone-${tone}`}>
      <span class="dot" aria-hidden="true" />
      <span class="chip-word">{children}</span>
    </span>
  );
}
