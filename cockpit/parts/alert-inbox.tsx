import { useState } from 'preact/hooks';
import type { AlertView } from '#protocol/alert.ts';
import type { SiteState } from '#protocol/api.ts';
import { useRead } from '../hooks/use-read.ts';
import { useWords } from '../hooks/use-words.ts';
import { request } from '../site/request.ts';
import { cameraName } from '../view/camera-name.ts';
import { formatMoment } from '../view/format.ts';
import { cameraLink, gatewayLink } from '../view/route.ts';
import { ALERT_TONES } from '../view/site-needs.ts';
import { Chip } from './chip.tsx';

const LIMIT = 200;

type Props = {
  readonly site: SiteState;
  /** The site's clock. */
  readonly nowMs: number;
  readonly mayAcknowledge: boolean;
};

/** The alerts of a site: those that are open, which change as they come; or all that are kept. */
export function AlertInbox({ site, nowMs, mayAcknowledge }: Props) {
  const words = useWords();
  const [isAll, setIsAll] = useState(false);
  const [failure, setFailure] = useState<string | null>(null);
  // Read anew whenever one that is open has changed.
  const version = site.alerts.open
    .map(({ id, raised, ended, acknowledged }) => [id, raised, ended, acknowledged?.at].join())
    .join(' ');
  const all = useRead<readonly AlertView[]>(isAll ? `api/alerts?state=all&limit=${LIMIT}` : null, version);
  const shown = isAll ? all.value : site.alerts.open;
  const acknowledge = async (id: number) => {
    const answer = await request('POST', `api/alerts/${id}/acknowledge`);
    setFailure(answer.ok ? null : answer.message);
    if (isAll) await all.again();
  };
  return (
    <section class="card" aria-labelledby="alerts-title">
      <header class="card-head">
        <h2 id="alerts-title">{words.alerts.title}</h2>
        <fieldset class="tabs choice">
          <legend class="unseen">{words.alerts.which}</legend>
          {[false, true].map((one) => (
            <label key={String(one)}>
              <input type="radio" name="alerts" checked={one === isAll} onChange={() => setIsAll(one)} />
              {one ? words.alerts.all : words.alerts.open}
            </label>
          ))}
        </fieldset>
      </header>
      {isAll && all.hasFailed && <p class="quiet">{words.alerts.failed}</p>}
      {failure !== null && (
        <p class="field-problem" role="alert">
          {failure}
        </p>
      )}
      {shown?.length === 0 && <p class="quiet">{isAll ? words.alerts.noneAll : words.alerts.none}</p>}
      {shown !== null && shown.length > 0 && (
        <ol class="records">
          {shown.map((alert) => (
            <AlertLine
              key={alert.id}
              {...{ alert, site, nowMs }}
              onAcknowledge={mayAcknowledge ? () => acknowledge(alert.id) : null}
            />
          ))}
        </ol>
      )}
      {!isAll && site.alerts.count > site.alerts.open.length && (
        <p class="quiet">{words.need.more(site.alerts.count - site.alerts.open.length)}</p>
      )}
    </section>
  );
}

type LineProps = {
  readonly alert: AlertView;
  readonly site: SiteState;
  readonly nowMs: number;
  /** Null for a reader who may not. */
  readonly onAcknowledge: (() => void) | null;
};

function AlertLine({ alert, site, nowMs, onAcknowledge }: LineProps) {
  const words = useWords();
  const { severity, title, message, subject, raised, ended, acknowledged, times, rule } = alert;
  const moment = (time: string) => formatMoment(Date.parse(time), nowMs, words);
  const tone = ALERT_TONES[severity];
  const parts = [
    ended === null ? words.alerts.lasting(moment(raised)) : words.alerts.ended(moment(ended)),
    ...(times > 1 ? [words.alerts.times(times)] : []),
    ...(acknowledged === null ? [] : [words.alerts.acknowledged(acknowledged.by, moment(acknowledged.at))]),
    // Messages of rules begin with their rule.
    ...(message.startsWith(`Rule ${rule}:`) ? [] : [words.alerts.rule(rule)]),
  ];
  return (
    <li class={`record alert tone-${tone} ${acknowledged === null ? '' : 'is-done'}`}>
      <span class="record-time">{moment(raised)}</span>
      <span class="record-what">
        <strong>{title}</strong>
        <Chip tone={acknowledged === null ? tone : 'off'}>{words.alerts.severity[severity]}</Chip>
        <Subject subject={subject} site={site} />
      </span>
      {acknowledged === null && onAcknowledge !== null && (
        <button
          type="button"
          class="plain"
          aria-label={words.alerts.acknowledgeOf(title)}
          onClick={onAcknowledge}
        >
          {words.alerts.acknowledge}
        </button>
      )}
      <span class="record-more">
        {message !== '' && `${message} · `}
        {parts.join(' · ')}
      </span>
    </li>
  );
}

function Subject({ subject, site }: { readonly subject: AlertView['subject']; readonly site: SiteState }) {
  const { kind, name, region, zone } = subject;
  if (kind === 'site') return null;
  const camera = site.cameras.find((one) => kind === 'camera' && one.camera === name);
  const shown = [camera === undefined ? name : cameraName(camera), region, zone].filter(Boolean).join(', ');
  return <a href={kind === 'camera' ? cameraLink(name) : gatewayLink(name)}>{shown}</a>;
}
