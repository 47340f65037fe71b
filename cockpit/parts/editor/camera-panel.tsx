import { useState } from 'preact/hooks';
import type { CameraState } from '#protocol/messages.ts';
import { useWords } from '../../hooks/use-words.ts';
import type { Logins } from '../../site/configuration-api.ts';
import { type JsonSchema, type SettingPath, settingAt } from '../../view/json-schema.ts';
import { problemsIn } from '../../view/settings-problems.ts';
import type { Box, Mask } from '../../view/shapes.ts';
import type { Words } from '../../words/en.ts';
import { type FieldContext, Fields } from './fields.tsx';
import { LoginField } from './login-field.tsx';
import { PictureFrame, type Tool } from './picture-frame.tsx';
import { type Selection, type Shape, settingOf, shapeKey, shapesOf } from './shape.ts';
import { ShapeList } from './shape-list.tsx';

type Props = {
  readonly context: FieldContext;
  readonly index: number;
  readonly schema: JsonSchema;
  /** Of its pictures, where the gateway told it. */
  readonly size: CameraState['size'] | null;
  readonly isSealed: boolean;
  readonly logins: Logins;
  readonly onLogin: (camera: string, login: string | null) => void;
  readonly onRemove: () => void;
};

/** What has a place of its own, and no field. */
const DRAWN = ['region', 'regions', 'masks', 'credentials'];

/** A rectangle or a mask in the middle, for whoever draws by keyboard. */
const MIDDLE_BOX: Box = { x: 0.25, y: 0.25, width: 0.5, height: 0.5 };
const MIDDLE_MASK: Mask = [
  [0.4, 0.4],
  [0.6, 0.4],
  [0.6, 0.6],
  [0.4, 0.6],
];

/** The settings of one camera: its picture with region and masks, and its fields. */
export function CameraPanel(props: Props) {
  const { context, index, schema, size, onRemove } = props;
  const { editor } = useWords();
  const words = editor.camera;
  const path: SettingPath = ['cameras', index];
  const camera = settingAt(context.value, path);
  const name = String(settingAt(camera, ['name']) ?? '');
  const [tool, setTool] = useState<Tool>('select');
  const [selected, setSelected] = useState<Selection>(null);
  const shapes = shapesOf(camera, editor.shapes);
  const change = (at: SettingPath, value: unknown) => context.change([...path, ...at], value);
  const draw = (drawn: { readonly box: Box } | { readonly mask: Mask } | null) => {
    setTool('select');
    if (drawn === null) return;
    const at = 'mask' in drawn ? nextMask(camera) : nextRegion(camera);
    change(at, 'mask' in drawn ? drawn.mask : regionAt(at, drawn.box, camera));
    setSelected(shapeKey({ path: at }));
  };
  const remove = (shape: Shape) => {
    setSelected(null);
    const isLast = shape.path.length > 1 && listAt(camera, shape.path[0]!).length === 1;
    change(isLast ? [shape.path[0]!] : shape.path, undefined);
  };
  /** A click of the keyboard has no place: it puts something into the middle. */
  const pick = (next: Tool, middle: { box: Box } | { mask: Mask }) => (event: MouseEvent) => {
    if (event.detail === 0) return draw(middle);
    setTool(tool === next ? 'select' : next);
  };
  return (
    <section class="camera-panel" aria-label={words.one(name)}>
      <div class="camera-picture">
        <div class="tools" role="toolbar" aria-label={words.draw}>
          <button
            type="button"
            class="plain"
            aria-pressed={tool === 'region'}
            disabled={context.isReadOnly}
            onClick={pick('region', { box: MIDDLE_BOX })}
          >
            {regionWords(camera, words)}
          </button>
          <button
            type="button"
            class="plain"
            aria-pressed={tool === 'mask'}
            disabled={context.isReadOnly}
            onClick={pick('mask', { mask: MIDDLE_MASK })}
          >
            {words.mask}
          </button>
          <span class="quiet" role="status">
            {hint(tool, words)}
          </span>
        </div>
        <PictureFrame
          name={name}
          size={size ?? null}
          shapes={shapes}
          selected={selected}
          tool={tool}
          isReadOnly={context.isReadOnly}
          onSelect={setSelected}
          onChange={(shape) => change(shape.path, settingOf(shape))}
          onRemove={remove}
          onDrawn={draw}
        />
        <p class="field-help">{words.empty(size !== null && size !== undefined)}</p>
        <ShapeList
          context={context}
          path={path}
          shapes={shapes}
          selected={selected}
          onSelect={setSelected}
          onRemove={remove}
        />
        {problemsIn(context.problems, path, DRAWN).map(({ path: at, line, text }) => (
          <p key={`${at} ${line}`} class="field-problem">
            {editor.line(line)}, {at}: {text}
          </p>
        ))}
      </div>
      <div class="camera-fields">
        <Fields context={context} path={path} schema={schema} except={DRAWN} />
        <LoginField {...props} path={path} name={name} />
        <button type="button" class="plain danger" disabled={context.isReadOnly} onClick={onRemove}>
          {words.remove}
        </button>
      </div>
    </section>
  );
}

type CameraWords = Words['editor']['camera'];

function regionWords(camera: unknown, words: CameraWords): string {
  if (listAt(camera, 'regions').length > 0) return words.regionMore;
  return settingAt(camera, ['region']) === undefined ? words.region : words.regionAnew;
}

function hint(tool: Tool, words: CameraWords): string {
  if (tool === 'region') return words.regionHint;
  if (tool === 'mask') return words.maskHint;
  return '';
}

function listAt(camera: unknown, key: string | number): readonly unknown[] {
  const list = settingAt(camera, [key]);
  return Array.isArray(list) ? list : [];
}

function nextMask(camera: unknown): SettingPath {
  return ['masks', listAt(camera, 'masks').length];
}

/** A camera that has named regions gets one more; else its one region is drawn anew. */
function nextRegion(camera: unknown): SettingPath {
  const regions = listAt(camera, 'regions');
  return regions.length === 0 ? ['region'] : ['regions', regions.length];
}

function regionAt(path: SettingPath, box: Box, camera: unknown): unknown {
  if (path[0] === 'region') return box;
  const names = listAt(camera, 'regions').map((one) => settingAt(one, ['name']));
  let number = names.length + 1;
  while (names.includes(`region-${number}`)) number++;
  return { name: `region-${number}`, ...box };
}
