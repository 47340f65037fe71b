import type { SiteState } from '#protocol/api.ts';
import { useWords } from '../hooks/use-words.ts';
import { counterRows, refusalRows } from '../view/counter-rows.ts';
import { formatCount } from '../view/format.ts';

/** What was counted in the last day: nothing is lost, refused or withheld silently. */
export function Counters({ site }: { site: SiteState }) {
  const words = useWords();
  const { last24h, ...ever } = site.counters;
  const counted = { ...site, counters: last24h ?? ever };
  const refusals = refusalRows(counted, words);
  return (
    <section class="card counters" aria-labelledby="counters-title">
      <h2 id="counters-title">{last24h === undefined ? words.counters.ever : words.counters.lastDay}</h2>
      <dl class="counts">
        {counterRows(counted, words).map(({ key, name, count, tone, explanation }) => (
          <div key={key} class={`count tone-${tone}`}>
            <dt>{name}</dt>
            <dd class="count-value">{formatCount(count)}</dd>
            <dd class="count-words">{explanation}</dd>
          </div>
        ))}
      </dl>
      {refusals.length > 0 && (
        <details class="more">
          <summary>{words.counted.why}</summary>
          <dl class="rows">
            {refusals.map(({ key, explanation, count }) => (
              <div key={key}>
                <dt>
                  {explanation} <code>{key}</code>
                </dt>
                <dd>{formatCount(count)}</dd>
              </div>
            ))}
          </dl>
        </details>
      )}
    </section>
  );
}
