import type { SiteState } from '#protocol/api.ts';
import { outputWords } from '#protocol/output-words.ts';
import { noAuditsWords } from '../view/audit-words.ts';
import { formatBytes, formatCount } from '../view/format.ts';
import { modelName } from '../view/gateway-words.ts';
import { Lock } from './icons.tsx';

/** In one sentence, what is kept secret from whom; the cryptography only for those who ask. */
export function Protection({ site }: { readonly site: SiteState }) {
  const { models } = site;
  const noAudits = noAuditsWords(site);
  return (
    <footer class="protection">
      <p class="protection-line">
        <Lock />
        <span>
          Gateways compute on encrypted pictures with an encrypted network: they never learn the network or an
          answer, and no readable picture leaves them.
        </span>
      </p>
      {noAudits !== null && <p class="quiet">{noAudits}</p>}
      <details class="more">
        <summary>How it is protected</summary>
        <p>
          Each picture is encrypted on its gateway in memory, and evaluated there under homomorphic encryption
          (CKKS, 128‑bit security by the 2024 guidelines) with network parameters that are themselves
          encrypted. The message broker passes on signed envelopes that it cannot open. Only this site’s
          backend holds the secret keys; it opens each answer once and shows it rounded.
        </p>
        {models.length > 0 && (
          <dl class="rows">
            {models.map((model) => (
              <div key={modelName(model)}>
                <dt>{modelName(model)}</dt>
                <dd>
                  ring degree {formatCount(model.ringDegree)}, modulus {Math.round(model.logQP)} bits, bundle{' '}
                  {formatBytes(model.bundleBytes)}; answers tell {outputWords(model.output, model.task)}
                </dd>
              </div>
            ))}
          </dl>
        )}
      </details>
    </footer>
  );
}
