import type { SiteNeeds } from '../view/site-needs.ts';

type Props = {
  readonly needs: SiteNeeds;
  /** Where the whole site is shown, what it needs stands in large letters. */
  readonly isLarge: boolean;
};

/** The site in a sentence, read from across the room; small where all is well. */
export function Headline({ needs: { tone, headline, detail, count }, isLarge }: Props) {
  return (
    <div class={`headline tone-${tone} ${count > 0 && isLarge ? 'is-needy' : ''}`} role="status">
      <p class="headline-words">
        <span class="dot" aria-hidden="true" />
        {headline}
      </p>
      {detail !== '' && <p class="headline-detail">{detail}</p>}
    </div>
  );
}
