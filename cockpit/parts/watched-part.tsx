import type { CameraView, History, SiteState } from '#protocol/api.ts';
import type { Result } from '#protocol/messages.ts';
import type { Theme } from '../hooks/use-theme.ts';
import { useWords } from '../hooks/use-words.ts';
import { cameraName } from '../view/camera-name.ts';
import { cameraFreshness } from '../view/freshness.ts';
import { labelOrder, modelOf, seriesClass } from '../view/label-order.ts';
import { situationWords } from '../view/situation-words.ts';
import { Answer } from './answer.tsx';
import { CountedPart } from './counted-part.tsx';
import { TimeLine } from './time-line.tsx';

type Props = {
  readonly site: SiteState;
  readonly camera: CameraView;
  /** The named region; if omitted, the entire picture. */
  readonly region?: string;
  readonly result: Result | null;
  /** Shown below the answer; absent where it stands elsewhere. */
  readonly history?: History;
  readonly theme: Theme;
  /** The site's clock. */
  readonly nowMs: number;
};

/** What a camera, or one region of its picture, shows now and showed lately. */
export function WatchedPart(props: Props) {
  const { site, camera, region, result, history, theme, nowMs } = props;
  const words = useWords();
  const order = labelOrder(site, camera, history?.labels ?? []);
  const name = region === undefined ? cameraName(camera) : `${cameraName(camera)}, ${region}`;
  const freshness = cameraFreshness(site, camera, result, nowMs);
  const since = situationWords(camera, result, nowMs, words);
  return (
    <>
      {result?.task === 'count' || result?.task === 'map' ? (
        <CountedPart
          {...{ camera, name, result, freshness, since, nowMs }}
          model={modelOf(site, result)}
          color={(label) => seriesClass(order, label, true)}
        />
      ) : (
        <Answer
          {...{ camera: name, result, freshness, since }}
          color={seriesClass(order, result?.label ?? result?.labels?.at(-1) ?? '')}
        />
      )}
      {history !== undefined && <TimeLine {...{ history, order, theme, nowMs }} present={result} />}
    </>
  );
}
