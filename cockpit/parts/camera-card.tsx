import type { CameraView, History, SiteState } from '#protocol/api.ts';
import type { Theme } from '../hooks/use-theme.ts';
import { cameraWords } from '../view/camera-words.ts';
import { formatClock, formatCount, UNKNOWN } from '../view/format.ts';
import { cameraFreshness } from '../view/freshness.ts';
import { deploymentWords, gatewayWords, modelName, networkOf } from '../view/gateway-words.ts';
import { newestResult } from '../view/newest-result.ts';
import { Chip } from './chip.tsx';
import { LatencyBar } from './latency-bar.tsx';
import { Progress } from './progress.tsx';
import { WatchedPart } from './watched-part.tsx';

type Props = {
  readonly site: SiteState;
  readonly camera: CameraView;
  /** The last hour of one of its regions, or of the entire picture. */
  readonly historyOf: (region?: string) => History;
  readonly theme: Theme;
  /** The site's clock. */
  readonly nowMs: number;
};

/** One camera: what it sees, how sure and how fresh, the last hour, and the chain behind it. */
export function CameraCard({ site, camera, historyOf, theme, nowMs }: Props) {
  const result = newestResult(camera);
  const gateway = site.gateways.find(({ name }) => name === camera.gateway) ?? null;
  const words = cameraWords(camera.state, gateway?.state !== 'offline', nowMs, camera.unusual);
  const fresh = cameraFreshness(site, camera, result, nowMs);
  const deployment = gateway === null ? null : deploymentWords(gateway, camera.state?.network);
  const network = gateway === null ? null : networkOf(gateway, camera.state?.network).model;
  const title = `camera-${camera.camera}`;
  return (
    <article class={`card camera is-${fresh.kind}`} aria-labelledby={title}>
      <header class="card-head">
        <h2 id={title}>{camera.camera}</h2>
        <Chip tone={words.tone}>{words.word}</Chip>
      </header>
      {words.reason !== '' && <p class={`reason tone-${words.tone}`}>{words.reason}</p>}
      {camera.regions.length === 0 ? (
        <WatchedPart {...{ site, camera, theme, nowMs }} result={result} history={historyOf()} />
      ) : (
        <div class="regions">
          {camera.regions.map(({ region, result: own }) => (
            <section key={region} class="region" aria-label={`${camera.camera}, ${region}`}>
              <h3>{region}</h3>
              <WatchedPart
                {...{ site, camera, theme, nowMs, region }}
                result={own}
                history={historyOf(region)}
              />
            </section>
          ))}
        </div>
      )}
      <div class="facts">
        <section class="fact">
          <h3>Gateway</h3>
          <p class="fact-value">{camera.gateway}</p>
          {gateway !== null && <Chip tone={gatewayWords(gateway).tone}>{gatewayWords(gateway).word}</Chip>}
        </section>
        <section class="fact">
          <h3>Network</h3>
          <p class="fact-value">
            {network === null ? (camera.state?.network ?? result?.model ?? UNKNOWN) : modelName(network)}
          </p>
          {deployment !== null && <Progress words={deployment} />}
        </section>
        <section class="fact fact-wide">
          <h3>Time from picture to answer</h3>
          {result === null ? (
            <p class="fact-value">{UNKNOWN}</p>
          ) : (
            <LatencyBar latencyMs={result.latencyMs} />
          )}
        </section>
      </div>
      <CameraDetails state={camera.state} result={result} withheld={camera.withheld} />
    </article>
  );
}

function CameraDetails({ state, result, withheld }: Pick<CameraView, 'state' | 'result' | 'withheld'>) {
  const rate = (perSecond: number | undefined) =>
    perSecond === undefined ? UNKNOWN : `${perSecond.toFixed(1)} per second`;
  const rows: readonly (readonly [string, string])[] = [
    ['Pictures taken', rate(state?.captureRate)],
    ['Answers computed', rate(state?.inferenceRate)],
    ['Picture taken at', result === null ? UNKNOWN : formatClock(Date.parse(result.frameTime))],
    [
      'Answered by',
      result === null ? UNKNOWN : modelName({ name: result.model, version: result.modelVersion }),
    ],
    ['Answer number', result === null ? UNKNOWN : formatCount(result.sequence)],
    ['Withheld as unusual', formatCount(withheld)],
    ['Stream', state?.detail || UNKNOWN],
  ];
  return (
    <details class="more">
      <summary>Details</summary>
      <dl class="rows">
        {rows.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </details>
  );
}
