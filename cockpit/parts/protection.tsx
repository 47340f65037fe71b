import type { SiteState } from '#protocol/api.ts';
import { useWords } from '../hooks/use-words.ts';
import { noAuditsWords } from '../view/audit-words.ts';
import { formatBytes, formatCount } from '../view/format.ts';
import { modelName } from '../view/gateway-words.ts';
import type { Words } from '../words/en.ts';
import { Lock } from './icons.tsx';

/** In one sentence, what is kept secret from whom; the cryptography only for those who ask. */
export function Protection({ site }: { readonly site: SiteState }) {
  const { models } = site;
  const all = useWords();
  const words = all.protection;
  const noAudits = noAuditsWords(site, all);
  return (
    <footer class="protection">
      <p class="protection-line">
        <Lock />
        <span>{words.line}</span>
      </p>
      {noAudits !== null && <p class="quiet">{noAudits}</p>}
      <details class="more">
        <summary>{words.more}</summary>
        <p>{words.how}</p>
        {models.length > 0 && (
          <dl class="rows">
            {models.map((model) => (
              <div key={modelName(model)}>
                <dt>{modelName(model)}</dt>
                <dd>
                  {words.model(
                    formatCount(model.ringDegree),
                    Math.round(model.logQP),
                    formatBytes(model.bundleBytes, all),
                    tellsWords(model, words),
                  )}
                </dd>
              </div>
            ))}
          </dl>
        )}
      </details>
    </footer>
  );
}

/** What the answers of a network tell. */
function tellsWords({ output, task }: SiteState['models'][number], { tells }: Words['protection']): string {
  if (task === 'count') return tells.counts;
  if (task === 'map') return output.output === 'rounded' ? tells.places : tells.countsOnly;
  switch (output.output) {
    case 'rounded':
      return tells.rounded(Math.round(output.step * 100));
    case 'label':
      return tells.label;
    case 'event':
      return tells.event(output.equal, 2 * output.equal - 1);
  }
}
