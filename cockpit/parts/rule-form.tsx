import type { TargetedSubmitEvent } from 'preact';
import { useState } from 'preact/hooks';
import type { SiteState } from '#protocol/api.ts';
import type { ChannelView } from '#protocol/channel.ts';
import type { RuleTest } from '#protocol/rule.ts';
import { useRead } from '../hooks/use-read.ts';
import { useWords } from '../hooks/use-words.ts';
import { request } from '../site/request.ts';
import { cameraName } from '../view/camera-name.ts';
import { RULE_KINDS, type RuleKind, ruleOf } from '../view/rule-of-form.ts';

const SEVERITIES = ['info', 'warning', 'critical'] as const;

type Props = { readonly site: SiteState; readonly onEnd: () => void };

/** A rule on its way: filled in, tried on the last day, saved. What the test doubts is saved only when somebody says so. */
export function RuleForm({ site, onEnd }: Props) {
  const words = useWords();
  const [kind, setKind] = useState<RuleKind>('answer');
  const [hasTimes, setHasTimes] = useState(false);
  const [test, setTest] = useState<RuleTest | null>(null);
  const [failure, setFailure] = useState<string | null>(null);
  const { value: channels } = useRead<readonly ChannelView[]>('api/channels');
  const submit = async (event: TargetedSubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    const rule = ruleOf(kind, new FormData(event.currentTarget));
    setFailure(null);
    if (test === null) {
      const tried = await request<RuleTest>('POST', 'api/rules/test', rule);
      if (!tried.ok) return setFailure(tried.message);
      return setTest(tried.value);
    }
    const isDoubted = test.doubts.length > 0;
    const saved = await request('POST', `api/rules${isDoubted ? '?anyway=true' : ''}`, rule);
    if (saved.ok) onEnd();
    else setFailure(saved.message);
  };
  return (
    // Whatever is changed has not been tried yet. Fields have defaults, not values: the page is drawn anew with each word of the site.
    <form class="form-fields rule-form" onSubmit={submit} onInput={() => setTest(null)}>
      <label>
        {words.rules.name}
        <input name="name" required maxLength={32} autoComplete="off" autoCapitalize="none" />
        <span class="quiet">{words.rules.nameHint}</span>
      </label>
      <label>
        {words.rules.kind}
        <select name="kind" value={kind} onChange={(event) => setKind(event.currentTarget.value as RuleKind)}>
          {RULE_KINDS.map((one) => (
            <option key={one} value={one}>
              {words.rules.kinds[one]}
            </option>
          ))}
        </select>
      </label>
      <ConditionFields kind={kind} site={site} />
      <label>
        {words.rules.severity}
        <select name="severity">
          {SEVERITIES.map((severity) => (
            <option key={severity} value={severity} selected={severity === 'warning'}>
              {words.alerts.severity[severity]}
            </option>
          ))}
        </select>
      </label>
      <label class="check">
        <input
          type="checkbox"
          checked={hasTimes}
          onChange={(event) => setHasTimes(event.currentTarget.checked)}
        />
        {words.rules.schedule}
      </label>
      {hasTimes && <Times />}
      {channels !== null && channels.length > 0 && (
        <fieldset class="choices">
          <legend>{words.rules.notify}</legend>
          {channels.map(({ name, to }) => (
            <label key={name} class="check">
              <input type="checkbox" name="notify" value={name} />
              {name} <span class="quiet">{to}</span>
            </label>
          ))}
        </fieldset>
      )}
      {test !== null && <Outcome test={test} />}
      {failure !== null && (
        <p class="field-problem" role="alert">
          {failure}
        </p>
      )}
      <div class="command-row">
        <button type="submit" class="primary">
          {test === null
            ? words.rules.test
            : test.doubts.length > 0
              ? words.rules.saveAnyway
              : words.rules.save}
        </button>
        <button type="button" class="plain" onClick={onEnd}>
          {words.rules.cancel}
        </button>
      </div>
    </form>
  );
}

/** What the rule waits for: the fields of its kind. */
function ConditionFields({ kind, site }: { readonly kind: RuleKind; readonly site: SiteState }) {
  const words = useWords();
  const needsCamera =
    kind === 'answer' || kind === 'absence' || kind === 'camera-state' || kind === 'unusual';
  const needsGateway = kind === 'gateway-state' || kind === 'drops';
  const labels = [...new Set(site.models.flatMap((model) => model.labels))];
  return (
    <>
      {needsCamera && (
        <label>
          {words.rules.cameras}
          <select name="camera">
            <option value="">{words.rules.all}</option>
            {site.cameras.map((camera) => (
              <option key={camera.camera} value={camera.camera}>
                {cameraName(camera)}
              </option>
            ))}
          </select>
        </label>
      )}
      {needsGateway && (
        <label>
          {words.rules.gateways}
          <select name="gateway">
            <option value="">{words.rules.all}</option>
            {site.gateways.map(({ name }) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
        </label>
      )}
      {(kind === 'answer' || kind === 'absence') && (
        <label>
          {words.rules.label}
          <input name="label" list="rule-labels" maxLength={64} placeholder={words.rules.anything} />
          <datalist id="rule-labels">
            {labels.map((label) => (
              <option key={label} value={label} />
            ))}
          </datalist>
        </label>
      )}
      {(kind === 'answer' || kind === 'drops') && (
        <label>
          {words.rules.atLeast}
          <input name="atLeast" type="number" min={1} max={10_000} placeholder="1" />
        </label>
      )}
      {kind === 'certificate' ? (
        <label>
          {words.rules.days}
          <input name="days" type="number" min={1} max={30} defaultValue={14} />
        </label>
      ) : (
        kind !== 'drops' && (
          <label>
            {words.rules.forSeconds}
            <input
              key={kind}
              name="forSeconds"
              type="number"
              min={kind === 'absence' ? 10 : 0}
              max={604_800}
              defaultValue={kind === 'absence' ? 600 : kind === 'answer' ? 0 : 60}
            />
          </label>
        )
      )}
    </>
  );
}

/** What the rule would have done, and why it is perhaps not meant so. */
function Outcome({ test }: { readonly test: RuleTest }) {
  const { rules } = useWords();
  return (
    <div role="status">
      <p>{rules.would(test.count, test.mostInAnHour)}</p>
      {test.doubts.map((doubt) => (
        <p key={doubt} class="field-problem">
          {doubt}
        </p>
      ))}
    </div>
  );
}

/** Every day from one time to another, which may be that of the next day. */
function Times() {
  const words = useWords();
  return (
    <div class="command-row">
      <label>
        {words.rules.from}
        <input name="from" type="time" required defaultValue="22:00" />
      </label>
      <label>
        {words.rules.to}
        <input name="to" type="time" required defaultValue="06:00" />
      </label>
    </div>
  );
}
