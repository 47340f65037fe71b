import type { TargetedSubmitEvent } from 'preact';
import { useState } from 'preact/hooks';
import type { CameraView } from '#protocol/api.ts';
import { useWords } from '../hooks/use-words.ts';
import { request } from '../site/request.ts';
import type { Mask } from '../view/shapes.ts';
import { PictureFrame } from './editor/picture-frame.tsx';
import type { Shape } from './editor/shape.ts';

const KEY = 'zone';
/** What is drawn first without a pointer; its corners are then moved. */
const RECTANGLE: Mask = [
  [0.3, 0.3],
  [0.7, 0.3],
  [0.7, 0.7],
  [0.3, 0.7],
];

type Props = {
  readonly camera: CameraView;
  /** Width : height of the plan. */
  readonly ratio: number;
  /** Where zones are added. */
  readonly path: string;
  readonly onEnd: () => void;
};

/** A zone on its way: its corners by pointer or keyboard, then its name. */
export function ZoneDrawing({ camera, ratio, path, onEnd }: Props) {
  const { zones: words } = useWords();
  const [corners, setCorners] = useState<Mask | null>(null);
  const [failure, setFailure] = useState<string | null>(null);
  const shapes: readonly Shape[] =
    corners === null ? [] : [{ kind: 'mask', path: [KEY], name: words.shape, mask: corners }];
  const save = async (event: TargetedSubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    const name = String(new FormData(event.currentTarget).get('name') ?? '').trim();
    const answer = await request('POST', path, { name, corners });
    if (answer.ok) onEnd();
    else setFailure(answer.message);
  };
  return (
    <div class="zone-drawing">
      <p class="quiet">{corners === null ? words.hint : words.adjust}</p>
      <PictureFrame
        label={words.picture(camera.displayName ?? camera.camera)}
        name={camera.camera}
        size={{ width: ratio * 1000, height: 1000 }}
        shapes={shapes}
        ghosts={camera.zones.map((zone) => zone.corners)}
        selected={KEY}
        tool={corners === null ? 'mask' : 'select'}
        isReadOnly={false}
        onSelect={() => {}}
        onChange={(shape) => setCorners(shape.kind === 'mask' ? shape.mask : corners)}
        onRemove={() => setCorners(null)}
        onDrawn={(drawn) => (drawn !== null && 'mask' in drawn ? setCorners(drawn.mask) : onEnd())}
      />
      {corners === null ? (
        <div class="command-row">
          <button type="button" class="plain" onClick={() => setCorners(RECTANGLE)}>
            {words.rectangle}
          </button>
          <button type="button" class="plain" onClick={onEnd}>
            {words.cancel}
          </button>
        </div>
      ) : (
        <form class="form-fields" onSubmit={save}>
          <label>
            {words.name}
            <input
              name="name"
              required
              maxLength={32}
              autoComplete="off"
              autoCapitalize="none"
              spellcheck={false}
              aria-describedby="zone-name-hint"
            />
            <span id="zone-name-hint" class="quiet">
              {words.nameHint}
            </span>
          </label>
          <div class="command-row">
            <button type="submit" class="primary">
              {words.save}
            </button>
            <button type="button" class="plain" onClick={onEnd}>
              {words.cancel}
            </button>
          </div>
          {failure !== null && (
            <p class="field-problem" role="alert">
              {failure}
            </p>
          )}
        </form>
      )}
    </div>
  );
}
