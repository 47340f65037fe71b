import type { TargetedKeyboardEvent, TargetedPointerEvent } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { useWidth } from '../../hooks/use-width.ts';
import { useWords } from '../../hooks/use-words.ts';
import { arrowStep } from '../../view/arrow-step.ts';
import {
  type Box,
  boxBetween,
  type Mask,
  moveBox,
  moveMask,
  type Point,
  pointAt,
} from '../../view/shapes.ts';
import { Handles } from './handles.tsx';
import { type Selection, type Shape, shapeKey } from './shape.ts';

/** Units of the drawing across the picture. */
const ACROSS = 1000;
/** A click so near the first corner, in CSS pixels, closes a mask. */
const NEAR = 14;

export type Tool = 'select' | 'region' | 'mask';

type Props = {
  readonly name: string;
  readonly size: { readonly width: number; readonly height: number } | null;
  readonly shapes: readonly Shape[];
  /** How the frame is called aloud; by default the picture of `name`. */
  readonly label?: string;
  /** What lies there already, and cannot be taken hold of. */
  readonly ghosts?: readonly Mask[];
  readonly selected: Selection;
  readonly tool: Tool;
  readonly isReadOnly: boolean;
  readonly onSelect: (selection: Selection) => void;
  readonly onChange: (shape: Shape) => void;
  readonly onRemove: (shape: Shape) => void;
  readonly onDrawn: (drawn: { readonly box: Box } | { readonly mask: Mask } | null) => void;
};

type Drag = { readonly from: Point; readonly shapeAt: (to: Point, from: Point) => Shape };

/** An empty frame in the form of the camera's picture, on which regions and masks are drawn and moved. */
export function PictureFrame(props: Props) {
  const {
    name,
    size,
    shapes,
    ghosts = [],
    selected,
    tool,
    isReadOnly,
    onSelect,
    onChange,
    onRemove,
    onDrawn,
  } = props;
  const { picture } = useWords().editor.camera;
  const frame = useRef<SVGSVGElement>(null);
  const height = Math.round((ACROSS * (size?.height ?? 9)) / (size?.width ?? 16));
  const [drag, setDrag] = useState<Drag | null>(null);
  const [moved, setMoved] = useState<Shape | null>(null);
  // What is taken hold of has one size, whatever the size of the frame.
  const pixel = ACROSS / useWidth(frame, ACROSS);
  const drawing = useDrawing(tool, onDrawn, { height, near: NEAR * pixel });

  const place = (event: PointerEvent): Point => {
    const { left, top, width, height: tall } = frame.current!.getBoundingClientRect();
    return pointAt((event.clientX - left) / width, (event.clientY - top) / tall);
  };
  const begin = (event: TargetedPointerEvent<SVGElement>, shapeAt: Drag['shapeAt']) => {
    if (isReadOnly || tool !== 'select' || event.button !== 0) return;
    event.stopPropagation();
    frame.current?.setPointerCapture(event.pointerId);
    setDrag({ from: place(event), shapeAt });
  };
  const shown =
    moved === null ? shapes : shapes.map((one) => (shapeKey(one) === shapeKey(moved) ? moved : one));
  const active = shown.find((shape) => shapeKey(shape) === selected);
  return (
    // biome-ignore lint/a11y/useSemanticElements: a drawing, whose parts are reached by the keyboard one by one
    <svg
      ref={frame}
      class={`frame ${tool === 'select' ? '' : 'is-drawing'}`}
      viewBox={`0 0 ${ACROSS} ${height}`}
      role="group"
      aria-label={props.label ?? picture(name)}
      onPointerDown={(event) => {
        if (tool === 'select') return onSelect(null);
        if (event.button !== 0) return;
        frame.current?.setPointerCapture(event.pointerId);
        drawing.press(place(event));
      }}
      onPointerMove={(event) => {
        if (drag !== null) setMoved(drag.shapeAt(place(event), drag.from));
        else drawing.move(place(event));
      }}
      onPointerUp={(event) => {
        if (drag === null) return drawing.lift(place(event));
        setDrag(null);
        setMoved(null);
        if (moved !== null) onChange(moved);
      }}
      onPointerCancel={() => {
        setDrag(null);
        setMoved(null);
      }}
    >
      <Grid height={height} />
      {ghosts.map((ghost) => (
        <polygon key={ghost.join(' ')} class="ghost" points={pointsText(ghost, height)} />
      ))}
      {shown.map((shape) => (
        <Outline
          key={shapeKey(shape)}
          shape={shape}
          height={height}
          isSelected={shapeKey(shape) === selected}
          onKeyDown={(event) => moveByKey(event, shape, onChange, onRemove)}
          onFocus={() => onSelect(shapeKey(shape))}
          onPointerDown={(event) => {
            if (tool === 'select') onSelect(shapeKey(shape));
            begin(event, (to, from) => shifted(shape, to[0] - from[0], to[1] - from[1]));
          }}
        />
      ))}
      <Names shapes={shown} height={height} pixel={pixel} />
      {active !== undefined && !isReadOnly && tool === 'select' && (
        <Handles
          shape={active}
          height={height}
          pixel={pixel}
          onBegin={begin}
          onChange={onChange}
          onRemove={onRemove}
        />
      )}
      <Sketch points={drawing.points} tool={tool} height={height} pixel={pixel} />
    </svg>
  );
}

/** Corners on their way: two opposite ones of a region by a drag, those of a mask by clicks. */
function useDrawing(
  tool: Tool,
  onDrawn: Props['onDrawn'],
  { height, near }: { readonly height: number; readonly near: number },
) {
  const [points, setPoints] = useState<readonly Point[]>([]);
  // The last point follows the pointer.
  const fixed = points.slice(0, -1);
  const finish = (drawn: Parameters<Props['onDrawn']>[0]) => {
    setPoints([]);
    onDrawn(drawn);
  };
  useEffect(() => {
    setPoints([]);
    if (tool === 'select') return;
    const cancel = (event: KeyboardEvent) => {
      if (event.key === 'Escape') finish(null);
    };
    addEventListener('keydown', cancel);
    return () => removeEventListener('keydown', cancel);
  }, [tool]);
  useEffect(() => {
    if (tool !== 'mask') return;
    const close = (event: KeyboardEvent) => {
      if (event.key !== 'Enter' || fixed.length < 3) return;
      event.preventDefault();
      finish({ mask: fixed });
    };
    addEventListener('keydown', close);
    return () => removeEventListener('keydown', close);
  });
  const isNear = ([ax, ay]: Point, [bx, by]: Point) =>
    Math.hypot((ax - bx) * ACROSS, (ay - by) * height) < near;
  return {
    points,
    press(at: Point) {
      if (tool === 'region') return setPoints([at, at]);
      const [first] = fixed;
      if (first !== undefined && fixed.length >= 3 && isNear(first, at)) return finish({ mask: fixed });
      const last = fixed.at(-1);
      if (last !== undefined && isNear(last, at)) return;
      setPoints([...fixed, at, at]);
    },
    move(at: Point) {
      if (points.length > 0) setPoints([...fixed, at]);
    },
    lift(at: Point) {
      const [first] = points;
      if (tool !== 'region' || first === undefined) return;
      if (isNear(first, at)) return setPoints([]);
      finish({ box: boxBetween(first, at) });
    },
  };
}

function Grid({ height }: { height: number }) {
  const thirds = [1, 2].map((part) => part / 3);
  return (
    <g class="frame-grid">
      <rect width={ACROSS} height={height} class="frame-ground" />
      {thirds.map((share) => (
        <path key={share} d={`M${share * ACROSS} 0V${height}M0 ${share * height}H${ACROSS}`} />
      ))}
    </g>
  );
}

type OutlineProps = {
  readonly shape: Shape;
  readonly height: number;
  readonly isSelected: boolean;
  readonly onFocus: () => void;
  readonly onKeyDown: (event: TargetedKeyboardEvent<SVGElement>) => void;
  readonly onPointerDown: (event: TargetedPointerEvent<SVGElement>) => void;
};

function Outline({ shape, height, isSelected, ...handlers }: OutlineProps) {
  const { keys } = useWords().editor.shapes;
  const common = {
    // In capitals it would be another attribute, and do nothing.
    tabindex: 0,
    role: 'button',
    class: `shape shape-${shape.kind} ${isSelected ? 'is-selected' : ''}`,
    'aria-label': keys(shape.name),
    'aria-pressed': isSelected,
    ...handlers,
  } as const;
  if (shape.kind === 'mask') return <polygon {...common} points={pointsText(shape.mask, height)} />;
  const { x, y, width, height: tall } = shape.box;
  return <rect {...common} x={x * ACROSS} y={y * height} width={width * ACROSS} height={tall * height} />;
}

/** Above everything drawn, so that a mask hides no name. */
function Names({ shapes, height, pixel }: { shapes: readonly Shape[]; height: number; pixel: number }) {
  return (
    <g class="shape-names">
      {shapes.map((shape) => {
        if (shape.kind === 'mask') return null;
        const { x, y, height: tall } = shape.box;
        return (
          <text
            key={shapeKey(shape)}
            x={x * ACROSS + 8 * pixel}
            y={(y + tall) * height - 9 * pixel}
            font-size={15 * pixel}
          >
            {shape.name}
          </text>
        );
      })}
    </g>
  );
}

function Sketch(props: {
  readonly points: readonly Point[];
  readonly tool: Tool;
  readonly height: number;
  readonly pixel: number;
}) {
  const { points, tool, height, pixel } = props;

  const [first, last] = [points[0], points.at(-1)];
  if (first === undefined || last === undefined) return null;
  if (tool === 'mask') {
    return (
      <g class="sketch">
        <polygon points={pointsText(points, height)} />
        <circle cx={first[0] * ACROSS} cy={first[1] * height} r={(NEAR * pixel) / 2} />
      </g>
    );
  }
  const { x, y, width, height: tall } = boxBetween(first, last);
  return (
    <g class="sketch">
      <rect x={x * ACROSS} y={y * height} width={width * ACROSS} height={tall * height} />
    </g>
  );
}

function pointsText(points: readonly Point[], height: number): string {
  return points.map(([x, y]) => `${x * ACROSS},${y * height}`).join(' ');
}

function shifted(shape: Shape, dx: number, dy: number): Shape {
  return shape.kind === 'mask'
    ? { ...shape, mask: moveMask(shape.mask, dx, dy) }
    : { ...shape, box: moveBox(shape.box, dx, dy) };
}

function moveByKey(
  event: TargetedKeyboardEvent<SVGElement>,
  shape: Shape,
  onChange: (shape: Shape) => void,
  onRemove: (shape: Shape) => void,
): void {
  if (event.key === 'Delete' || event.key === 'Backspace') {
    event.preventDefault();
    onRemove(shape);
    return;
  }
  const step = arrowStep(event);
  if (step === null) return;
  event.preventDefault();
  onChange(shifted(shape, ...step));
}
