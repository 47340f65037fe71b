import type { CameraView, History, SiteState } from '#protocol/api.ts';
import type { Theme } from '../hooks/use-theme.ts';
import { useWords } from '../hooks/use-words.ts';
import { cameraName } from '../view/camera-name.ts';
import { cameraStatus } from '../view/camera-status.ts';
import { cameraLink } from '../view/route.ts';
import { CameraAnswers } from './camera-answers.tsx';
import { CameraDetails } from './camera-details.tsx';
import { Chip } from './chip.tsx';

type Props = {
  readonly site: SiteState;
  readonly camera: CameraView;
  /** Of one of its regions, or of the entire picture. */
  readonly historyOf: (region?: string) => History;
  readonly theme: Theme;
  /** The site's clock. */
  readonly nowMs: number;
  /** Whether the backend does not answer. */
  readonly isAway: boolean;
};

/** One camera among few: what it sees, since when, what it saw lately, and the chain behind it for whoever asks. */
export function CameraCard({ site, camera, historyOf, theme, nowMs, isAway }: Props) {
  const words = useWords();
  const status = cameraStatus(site, camera, nowMs, words, isAway);
  const title = `camera-${camera.camera}`;
  return (
    <article class="card camera" aria-labelledby={title}>
      <header class="card-head">
        <h2 id={title}>
          <a class="camera-link" href={cameraLink(camera.camera)}>
            {cameraName(camera)}
          </a>
        </h2>
        <Chip tone={status.tone}>{status.word}</Chip>
      </header>
      {status.reason !== '' && <p class={`reason tone-${status.tone}`}>{status.reason}</p>}
      <CameraAnswers {...{ site, camera, historyOf, theme, nowMs }} />
      <CameraDetails site={site} camera={camera} />
    </article>
  );
}
