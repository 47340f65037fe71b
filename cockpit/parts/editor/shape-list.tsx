import { useState } from 'preact/hooks';
import { useWords } from '../../hooks/use-words.ts';
import { pathText, type SettingPath, settingAt } from '../../view/json-schema.ts';
import { problemsAt } from '../../view/settings-problems.ts';
import { type FieldContext, fieldId } from './fields.tsx';
import { type Selection, type Shape, shapeKey } from './shape.ts';

type Props = {
  readonly context: FieldContext;
  /** Of the camera. */
  readonly path: SettingPath;
  readonly shapes: readonly Shape[];
  readonly selected: Selection;
  readonly onSelect: (selection: Selection) => void;
  readonly onRemove: (shape: Shape) => void;
};

/** What is drawn, by name, with the numbers of what is selected. */
export function ShapeList({ context, path, shapes, selected, onSelect, onRemove }: Props) {
  const words = useWords().editor.shapes;
  if (shapes.length === 0) return <p class="quiet">{words.none}</p>;
  const regions = shapes.filter(({ kind }) => kind === 'region');
  const [only] = regions;
  const divide = () => {
    if (only?.kind !== 'region') return;
    context.change([...path, 'region'], undefined);
    context.change([...path, 'regions'], [{ name: 'region-1', ...only.box }]);
  };
  return (
    <>
      <ul class="shapes">
        {shapes.map((shape) => {
          const key = shapeKey(shape);
          const isOpen = key === selected;
          return (
            <li key={key} class={isOpen ? 'is-selected' : ''}>
              <div class="shape-row">
                <button
                  type="button"
                  class="shape-pick"
                  aria-expanded={isOpen}
                  onClick={() => onSelect(isOpen ? null : key)}
                >
                  <span class={`shape-sign shape-sign-${shape.kind}`} aria-hidden="true" />
                  {shape.name === '' ? words.unnamed : shape.name}
                </button>
                <button
                  type="button"
                  class="plain"
                  disabled={context.isReadOnly}
                  aria-label={words.removeOne(shape.name)}
                  onClick={() => onRemove(shape)}
                >
                  {words.remove}
                </button>
              </div>
              {isOpen && <Numbers context={context} path={[...path, ...shape.path]} shape={shape} />}
            </li>
          );
        })}
      </ul>
      {regions.length === 1 && only?.path[0] === 'region' && !context.isReadOnly && (
        <button type="button" class="plain" onClick={divide}>
          {words.divide}
        </button>
      )}
    </>
  );
}

/** Where it is, as shares of the picture from its top left. */
function Numbers({ context, path, shape }: Pick<Props, 'context' | 'path'> & { readonly shape: Shape }) {
  const words = useWords().editor.shapes;
  if (shape.kind === 'region') {
    const isNamed = shape.path[0] === 'regions';
    return (
      <div class="numbers">
        {isNamed && <Cell context={context} path={[...path, 'name']} label={words.name} isText={true} />}
        {(['x', 'y', 'width', 'height'] as const).map((side) => (
          <Cell key={side} context={context} path={[...path, side]} label={words.sides[side]} />
        ))}
      </div>
    );
  }
  return (
    <div class="numbers numbers-points">
      {shape.mask.map((_, index) => (
        <span key={index} class="point">
          <Cell context={context} path={[...path, index, 0]} label={words.corner(index + 1, 'x')} />
          <Cell context={context} path={[...path, index, 1]} label={words.corner(index + 1, 'y')} />
        </span>
      ))}
    </div>
  );
}

function Cell(props: {
  readonly context: FieldContext;
  readonly path: SettingPath;
  readonly label: string;
  readonly isText?: boolean;
}) {
  const { context, path, label, isText = false } = props;
  const [typing, setTyping] = useState<string | null>(null);
  const id = fieldId(path);
  const isInvalid = problemsAt(context.problems, pathText(path)).length > 0;
  return (
    <label class={`cell ${isText ? 'cell-text' : ''}`} for={id}>
      <span>{label}</span>
      <input
        id={id}
        type="text"
        inputMode={isText ? 'text' : 'decimal'}
        autoComplete="off"
        spellcheck={false}
        readOnly={context.isReadOnly}
        aria-invalid={isInvalid}
        value={typing ?? String(settingAt(context.value, path) ?? '')}
        onBlur={() => setTyping(null)}
        onInput={({ currentTarget: { value } }) => {
          setTyping(value);
          const number = value.trim() === '' ? Number.NaN : Number(value);
          // A number on its way (`0.`) moves nothing yet.
          if (isText) context.change(path, value);
          else if (Number.isFinite(number) && !/\.0*$/.test(value)) context.change(path, number);
        }}
      />
    </label>
  );
}
