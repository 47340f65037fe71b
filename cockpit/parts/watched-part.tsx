import type { CameraView, History, SiteState } from '#protocol/api.ts';
import type { Result } from '#protocol/messages.ts';
import type { Theme } from '../hooks/use-theme.ts';
import { cameraFreshness } from '../view/freshness.ts';
import { labelOrder, modelOf, seriesClass } from '../view/label-order.ts';
import { Answer } from './answer.tsx';
import { CountedPart } from './counted-part.tsx';
import { TimeLine } from './time-line.tsx';

type Props = {
  readonly site: SiteState;
  readonly camera: CameraView;
  /** The named region; if omitted, the entire picture. */
  readonly region?: string;
  readonly result: Result | null;
  readonly history: History;
  readonly theme: Theme;
  /** The site's clock. */
  readonly nowMs: number;
};

/** What a camera, or one region of its picture, shows now and showed in the last hour. */
export function WatchedPart({ site, camera, region, result, history, theme, nowMs }: Props) {
  const order = labelOrder(site, camera, history.labels);
  const name = region === undefined ? camera.camera : `${camera.camera}, ${region}`;
  const freshness = cameraFreshness(site, camera, result, nowMs);
  return (
    <>
      {result?.task === 'count' || result?.task === 'map' ? (
        <CountedPart
          {...{ camera, name, result, freshness, nowMs }}
          model={modelOf(site, result)}
          color={(label) => seriesClass(order, label, true)}
        />
      ) : (
        <Answer
          camera={name}
          result={result}
          freshness={freshness}
          color={seriesClass(order, result?.label ?? result?.labels?.at(-1) ?? '')}
        />
      )}
      <TimeLine history={history} order={order} present={result} theme={theme} nowMs={nowMs} />
    </>
  );
}
