import { useState } from 'preact/hooks';
import type { CameraView, SiteState } from '#protocol/api.ts';
import { useWords } from '../hooks/use-words.ts';
import { request } from '../site/request.ts';
import { modelOf } from '../view/label-order.ts';
import { planRatio } from '../view/plan-ratio.ts';
import { ZoneDrawing } from './zone-drawing.tsx';

type Props = { readonly site: SiteState; readonly camera: CameraView; readonly mayDraw: boolean };

/** The zones of a camera whose network answers with a map: drawn here, and taken away. */
export function ZoneTools({ site, camera, mayDraw }: Props) {
  const { zones: words } = useWords();
  const [isDrawing, setIsDrawing] = useState(false);
  const [asked, setAsked] = useState<string | null>(null);
  const [failure, setFailure] = useState<string | null>(null);
  const path = `api/cameras/${encodeURIComponent(camera.camera)}/zones`;
  const remove = async (zone: string) => {
    setAsked(null);
    const answer = await request('DELETE', `${path}/${encodeURIComponent(zone)}`);
    setFailure(answer.ok ? null : answer.message);
  };
  const model = camera.result === null ? undefined : modelOf(site, camera.result);
  if (!mayDraw && camera.zones.length === 0) return null;
  return (
    <section class="zone-tools" aria-labelledby="zones-title">
      <h3 id="zones-title">{words.title}</h3>
      {camera.zones.length === 0 && !isDrawing && <p class="quiet">{words.none}</p>}
      <ul class="zone-list">
        {camera.zones.map(({ name }) => (
          <li key={name}>
            <strong>{name}</strong>
            {mayDraw &&
              (asked === name ? (
                <button type="button" class="plain danger" onClick={() => remove(name)}>
                  {words.sure(name)}
                </button>
              ) : (
                <button type="button" class="plain" onClick={() => setAsked(name)}>
                  {words.remove(name)}
                </button>
              ))}
          </li>
        ))}
      </ul>
      {failure !== null && (
        <p class="field-problem" role="alert">
          {failure}
        </p>
      )}
      {isDrawing ? (
        <ZoneDrawing
          camera={camera}
          ratio={planRatio(camera.state?.size, model?.map)}
          path={path}
          onEnd={() => setIsDrawing(false)}
        />
      ) : (
        mayDraw && (
          <button type="button" class="plain" onClick={() => setIsDrawing(true)}>
            {words.draw}
          </button>
        )
      )}
    </section>
  );
}
