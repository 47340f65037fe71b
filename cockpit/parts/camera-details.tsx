import type { CameraView, SiteState } from '#protocol/api.ts';
import { useWords } from '../hooks/use-words.ts';
import { formatClock, formatCount, UNKNOWN } from '../view/format.ts';
import { deploymentWords, gatewayWords, modelName, networkOf } from '../view/gateway-words.ts';
import { newestResult } from '../view/newest-result.ts';
import { gatewayLink } from '../view/route.ts';
import { Chip } from './chip.tsx';
import { LatencyBar } from './latency-bar.tsx';
import { Progress } from './progress.tsx';

type Props = { readonly site: SiteState; readonly camera: CameraView };

/** The chain behind an answer, for whoever asks: gateway, network, where the time goes. */
export function CameraDetails({ site, camera }: Props) {
  const all = useWords();
  const { camera: words } = all;
  const { state, withheld } = camera;
  const result = newestResult(camera);
  const gateway = site.gateways.find(({ name }) => name === camera.gateway) ?? null;
  const deployment = gateway === null ? null : deploymentWords(gateway, state?.network, all);
  const network = gateway === null ? null : networkOf(gateway, state?.network).model;
  const link = gateway === null ? null : gatewayWords(gateway, all);
  const rate = (perSecond: number | undefined) =>
    perSecond === undefined ? UNKNOWN : words.perSecond(perSecond.toFixed(1));
  const rows: readonly (readonly [string, string])[] = [
    [words.captured, rate(state?.captureRate)],
    [words.computed, rate(state?.inferenceRate)],
    [words.pictureTime, result === null ? UNKNOWN : formatClock(Date.parse(result.frameTime))],
    [
      words.answeredBy,
      result === null ? UNKNOWN : modelName({ name: result.model, version: result.modelVersion }),
    ],
    [words.answerNumber, result === null ? UNKNOWN : formatCount(result.sequence)],
    [words.withheld, formatCount(withheld)],
    [words.stream, state?.detail || UNKNOWN],
    [words.ownName, camera.camera],
  ];
  return (
    <details class="more">
      <summary>{words.details}</summary>
      <div class="facts">
        <section class="fact">
          <h3>{words.gateway}</h3>
          <p class="fact-value">
            <a class="gateway-link" href={gatewayLink(camera.gateway)}>
              {camera.gateway}
            </a>
          </p>
          {link !== null && <Chip tone={link.tone}>{link.word}</Chip>}
        </section>
        <section class="fact">
          <h3>{words.network}</h3>
          <p class="fact-value">
            {network === null ? (state?.network ?? result?.model ?? UNKNOWN) : modelName(network)}
          </p>
          {deployment !== null && <Progress words={deployment} />}
        </section>
        <section class="fact fact-wide">
          <h3>{words.latency}</h3>
          {result === null ? (
            <p class="fact-value">{UNKNOWN}</p>
          ) : (
            <LatencyBar latencyMs={result.latencyMs} />
          )}
        </section>
      </div>
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
