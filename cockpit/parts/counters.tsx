import type { SiteState } from '#protocol/api.ts';
import { counterRows, refusalRows } from '../view/counter-rows.ts';
import { formatCount } from '../view/format.ts';

/** The counters: nothing is lost, refused or withheld silently. */
export function Counters({ site }: { site: SiteState }) {
  const refusals = refusalRows(site);
  return (
    <div class="card counters">
      <dl class="counts">
        {counterRows(site).map(({ key, name, count, tone, explanation }) => (
          <div key={key} class={`count tone-${tone}`}>
            <dt>{name}</dt>
            <dd class="count-value">{formatCount(count)}</dd>
            <dd class="count-words">{explanation}</dd>
          </div>
        ))}
      </dl>
      {refusals.length > 0 && (
        <details class="more">
          <summary>Why answers were refused</summary>
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
    </div>
  );
}
