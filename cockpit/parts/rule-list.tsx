import { useState } from 'preact/hooks';
import type { SiteState } from '#protocol/api.ts';
import type { Rule, RuleView } from '#protocol/rule.ts';
import { useRead } from '../hooks/use-read.ts';
import { useWords } from '../hooks/use-words.ts';
import { request } from '../site/request.ts';
import { cameraName } from '../view/camera-name.ts';
import { ruleWords } from '../view/rule-words.ts';
import { ALERT_TONES } from '../view/site-needs.ts';
import { Chip } from './chip.tsx';
import { RuleForm } from './rule-form.tsx';

const PATH = 'api/rules';

type Props = {
  readonly site: SiteState;
  /** Only those about this one; by default all. */
  readonly camera?: string;
  readonly mayChange: boolean;
};

/** The rules of a site: switched on and off, added, tried and removed. */
export function RuleList({ site, camera, mayChange }: Props) {
  const words = useWords();
  const { value, hasFailed, again } = useRead<readonly RuleView[]>(PATH);
  const [isAdding, setIsAdding] = useState(false);
  const [asked, setAsked] = useState<string | null>(null);
  const [failure, setFailure] = useState<string | null>(null);
  const names = new Map(site.cameras.map((one) => [one.camera, cameraName(one)]));
  const shown = (value ?? []).filter((rule) => camera === undefined || isAbout(rule, camera));
  const act = async (method: string, path: string, body?: unknown) => {
    setAsked(null);
    const answer = await request(method, path, body);
    setFailure(answer.ok ? null : answer.message);
    await again();
  };
  const toggle = (rule: RuleView) => {
    const { changed: _changed, author: _author, ...own } = rule;
    const next = { ...own, enabled: !rule.enabled };
    return act('PUT', `${PATH}/${encodeURIComponent(rule.name)}?anyway=true`, next);
  };
  const title = camera === undefined ? words.rules.title : words.rules.ofCamera;
  if (camera !== undefined && shown.length === 0) return null;
  return (
    <section class="card" aria-labelledby="rules-title">
      <header class="card-head">
        {camera === undefined ? <h2 id="rules-title">{title}</h2> : <h3 id="rules-title">{title}</h3>}
        {camera === undefined && mayChange && !isAdding && (
          <button type="button" class="plain" onClick={() => setIsAdding(true)}>
            {words.rules.add}
          </button>
        )}
      </header>
      {isAdding && (
        <RuleForm
          site={site}
          onEnd={() => {
            setIsAdding(false);
            void again();
          }}
        />
      )}
      {hasFailed && <p class="quiet">{words.rules.failed}</p>}
      {failure !== null && (
        <p class="field-problem" role="alert">
          {failure}
        </p>
      )}
      {value?.length === 0 && !isAdding && <p class="quiet">{words.rules.none}</p>}
      <ul class="records">
        {shown.map((rule) => (
          <li key={rule.name} class={`record ${rule.enabled ? '' : 'is-done'}`}>
            <span class="record-time">
              <Chip tone={rule.enabled ? ALERT_TONES[rule.severity] : 'off'}>
                {rule.enabled ? words.alerts.severity[rule.severity] : words.rules.says.off}
              </Chip>
            </span>
            <span class="record-what">
              <strong>{rule.name}</strong>
              <span>{ruleWords(rule, (name) => names.get(name) ?? name, words)}</span>
            </span>
            {mayChange && (
              <span class="actions">
                <label class="check">
                  <input
                    type="checkbox"
                    checked={rule.enabled}
                    aria-label={words.rules.enabledOf(rule.name)}
                    onChange={() => toggle(rule)}
                  />
                  {words.rules.enabled}
                </label>
                {asked === rule.name ? (
                  <button
                    type="button"
                    class="plain danger"
                    onClick={() => act('DELETE', `${PATH}/${encodeURIComponent(rule.name)}`)}
                  >
                    {words.rules.sure(rule.name)}
                  </button>
                ) : (
                  <button type="button" class="plain" onClick={() => setAsked(rule.name)}>
                    {words.rules.remove}
                  </button>
                )}
              </span>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}

function isAbout({ when }: Rule, camera: string): boolean {
  return 'cameras' in when && (when.cameras === 'all' || when.cameras.includes(camera));
}
