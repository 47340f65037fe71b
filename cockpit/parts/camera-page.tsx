import type { Theme } from '../hooks/use-theme.ts';
import { useWords } from '../hooks/use-words.ts';
import { historyOf, type SiteModel } from '../site/site-model.ts';
import { cameraName } from '../view/camera-name.ts';
import { cameraStatus } from '../view/camera-status.ts';
import { may } from '../view/may.ts';
import { gatewayLink } from '../view/route.ts';
import { CameraAnswers } from './camera-answers.tsx';
import { CameraDetails } from './camera-details.tsx';
import { CameraHistory } from './camera-history.tsx';
import { CameraNaming } from './camera-naming.tsx';
import { Chip } from './chip.tsx';
import { Empty } from './empty.tsx';
import { EventList } from './event-list.tsx';
import { RuleList } from './rule-list.tsx';
import { ZoneTools } from './zone-tools.tsx';

type Props = {
  readonly name: string;
  readonly model: SiteModel;
  readonly theme: Theme;
  /** The site's clock. */
  readonly nowMs: number;
};

/** One camera: what it sees and saw, what happened, and what is drawn, said and settled about it. */
export function CameraPage({ name, model, theme, nowMs }: Props) {
  const words = useWords();
  const { site, session, phase } = model;
  const camera = site?.cameras.find((one) => one.camera === name);
  if (site === null) return null;
  if (camera === undefined) return <Empty title={words.camera.none}>{words.camera.noneText(name)}</Empty>;
  const status = cameraStatus(site, camera, nowMs, words, phase === 'away');
  const mayOperate = may(session, 'operator');
  const isMap = camera.result?.task === 'map';
  return (
    <section class="camera-page" aria-labelledby="camera-title">
      <header class="gateway-page-head">
        <div>
          <a class="back" href="#/cameras">
            {words.camera.back}
          </a>
          <div class="camera-page-title">
            <h2 id="camera-title">{cameraName(camera)}</h2>
            <Chip tone={status.tone}>{status.word}</Chip>
          </div>
        </div>
        {may(session, 'integrator') && (
          <a href={gatewayLink(camera.gateway, 'settings')}>{words.settings.open}</a>
        )}
      </header>
      <article class="card camera" aria-label={cameraName(camera)}>
        {status.reason !== '' && <p class={`reason tone-${status.tone}`}>{status.reason}</p>}
        <CameraAnswers {...{ site, camera, theme, nowMs }} />
        {isMap && <ZoneTools site={site} camera={camera} mayDraw={mayOperate} />}
        <CameraDetails site={site} camera={camera} />
      </article>
      <CameraHistory
        {...{ site, camera, theme, nowMs }}
        lastHour={(region) => historyOf(model, camera.camera, region)}
      />
      <EventList site={site} camera={camera} nowMs={nowMs} mayReview={mayOperate} />
      <RuleList site={site} camera={camera.camera} mayChange={false} />
      {mayOperate && <CameraNaming key={`${camera.displayName} ${camera.groups}`} camera={camera} />}
    </section>
  );
}
