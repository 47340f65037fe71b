import { useState } from 'preact/hooks';
import type { CameraView, History, SiteState } from '#protocol/api.ts';
import { useRead } from '../hooks/use-read.ts';
import type { Theme } from '../hooks/use-theme.ts';
import { useWords } from '../hooks/use-words.ts';
import { labelOrder } from '../view/label-order.ts';
import { TimeLine } from './time-line.tsx';

const MINUTE_MS = 60_000;
/** Longer spans are read again when a point of them has passed, and not more often than this. */
const LEAST_READ_MS = 30_000;
const POINTS = 1000;

/** What is shown, for how many minutes, and in what steps that is downloaded. */
const RANGES = [
  ['hour', 60, 'answer'],
  ['day', 24 * 60, 'minute'],
  ['week', 7 * 24 * 60, 'hour'],
  ['month', 30 * 24 * 60, 'hour'],
] as const;

type Props = {
  readonly site: SiteState;
  readonly camera: CameraView;
  /** Of one of its regions, or of the entire picture, as it grows. */
  readonly lastHour: (region?: string) => History;
  readonly theme: Theme;
  /** The site's clock. */
  readonly nowMs: number;
};

/** What a camera saw in the last hour, day, week or month. */
export function CameraHistory({ site, camera, lastHour, theme, nowMs }: Props) {
  const { history: words } = useWords();
  const [minutes, setMinutes] = useState<number>(60);
  const shared = { site, camera, theme, nowMs, minutes };
  const by = RANGES.find(([, span]) => span === minutes)![2];
  // By the minute, so that the link is not another one each second.
  const from = new Date(Math.floor(nowMs / MINUTE_MS - minutes) * MINUTE_MS).toISOString();
  return (
    <section class="card" aria-labelledby="history-title">
      <header class="card-head">
        <h3 id="history-title">{words.title}</h3>
        <fieldset class="tabs choice">
          <legend class="unseen">{words.range}</legend>
          {RANGES.map(([name, span]) => (
            <label key={name}>
              <input type="radio" name="range" checked={span === minutes} onChange={() => setMinutes(span)} />
              {words.ranges[name]}
            </label>
          ))}
        </fieldset>
      </header>
      {camera.regions.length === 0 ? (
        <HistoryLine key={minutes} {...shared} result={camera.result} lastHour={lastHour()} />
      ) : (
        camera.regions.map(({ region, result }) => (
          <section key={`${region} ${minutes}`} aria-label={region}>
            <h4>{region}</h4>
            <HistoryLine {...shared} region={region} result={result} lastHour={lastHour(region)} />
          </section>
        ))
      )}
      <p class="quiet">
        <a
          href={`api/cameras/${encodeURIComponent(camera.camera)}/export?format=csv&by=${by}&from=${from}`}
          download
        >
          {words.export}
        </a>
      </p>
    </section>
  );
}

type LineProps = Omit<Props, 'lastHour'> & {
  readonly region?: string;
  readonly result: CameraView['result'];
  readonly lastHour: History;
  readonly minutes: number;
};

function HistoryLine({ site, camera, region, result, lastHour, theme, nowMs, minutes }: LineProps) {
  const { history: words } = useWords();
  const isLive = minutes === 60;
  const query = region === undefined ? '' : `&region=${encodeURIComponent(region)}`;
  const path = `api/cameras/${encodeURIComponent(camera.camera)}/history?minutes=${minutes}${query}`;
  const windowMs = minutes * MINUTE_MS;
  const { value, hasFailed } = useRead<History>(
    isLive ? null : path,
    '',
    Math.max(LEAST_READ_MS, windowMs / POINTS),
  );
  const history = isLive ? lastHour : value;
  if (history === null)
    return (
      <p class="quiet" role="status">
        {hasFailed ? words.failed : words.loading}
      </p>
    );
  const order = labelOrder(site, camera, history.labels);
  return <TimeLine {...{ history, order, windowMs, theme, nowMs }} present={result} />;
}
