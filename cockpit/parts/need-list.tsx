import { useWords } from '../hooks/use-words.ts';
import { byNeed } from '../view/need.ts';
import type { Notice } from '../view/notices.ts';

/** So many are shown one by one; more are folded away, because the headline has counted them. */
const SHOWN = 3;

/** What somebody should know now, worst first: a line each, and what to do for whoever opens it; of one alone, what to do. Nothing at all on a good day. */
export function NeedList({ items }: { items: readonly Notice[] }) {
  const { need } = useWords();
  const sorted = [...items].sort((a, b) => byNeed(a.tone, b.tone));
  const more = sorted.slice(SHOWN);
  const [only] = items;
  return (
    <section class="notices" role="status" aria-label={need.list}>
      {items.length === 1 && only !== undefined ? (
        <p class={`notice tone-${only.tone}`}>
          <span class="dot" aria-hidden="true" />
          <span>{only.text}</span>
        </p>
      ) : (
        sorted.slice(0, SHOWN).map((item) => <NoticeLine key={item.key} item={item} />)
      )}
      {more.length > 0 && (
        <details class="more">
          <summary>{need.more(more.length)}</summary>
          <div class="notices">
            {more.map((item) => (
              <NoticeLine key={item.key} item={item} />
            ))}
          </div>
        </details>
      )}
    </section>
  );
}

function NoticeLine({ item: { tone, title, text } }: { item: Notice }) {
  return (
    <details class={`notice tone-${tone}`}>
      <summary>
        <span class="dot" aria-hidden="true" />
        {title}
      </summary>
      <p>{text}</p>
    </details>
  );
}
