import type { CameraView, History, SiteState } from '#protocol/api.ts';
import type { Theme } from '../hooks/use-theme.ts';
import { cameraName } from '../view/camera-name.ts';
import { WatchedPart } from './watched-part.tsx';

type Props = {
  readonly site: SiteState;
  readonly camera: CameraView;
  /** Of one of its regions, or of the entire picture; absent where these stand elsewhere. */
  readonly historyOf?: (region?: string) => History;
  readonly theme: Theme;
  /** The site's clock. */
  readonly nowMs: number;
};

/** What the entire picture shows, or each of its regions. */
export function CameraAnswers({ site, camera, historyOf, theme, nowMs }: Props) {
  const shared = (region?: string) => ({
    ...{ site, camera, theme, nowMs },
    ...(region !== undefined && { region }),
    ...(historyOf !== undefined && { history: historyOf(region) }),
  });
  if (camera.regions.length === 0) return <WatchedPart {...shared()} result={camera.result} />;
  return (
    <div class="regions">
      {camera.regions.map(({ region, result }) => (
        <section key={region} class="region" aria-label={`${cameraName(camera)}, ${region}`}>
          <h3>{region}</h3>
          <WatchedPart {...shared(region)} result={result} />
        </section>
      ))}
    </div>
  );
}
