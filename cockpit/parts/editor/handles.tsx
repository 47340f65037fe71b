import type { TargetedKeyboardEvent, TargetedPointerEvent } from 'preact';
import { useRef } from 'preact/hooks';
import { useWords } from '../../hooks/use-words.ts';
import { arrowStep } from '../../view/arrow-step.ts';
import { formatPercent } from '../../view/format.ts';
import {
  cornersOf,
  middleOf,
  moveCorner,
  type Point,
  pointAt,
  splitEdge,
  withoutPoint,
  withPoint,
} from '../../view/shapes.ts';
import type { Shape } from './shape.ts';

const ACROSS = 1000;
/** A drawing has no buttons of its own; its attributes are told apart by capitals. */
const AS_BUTTON = { tabindex: 0, role: 'button' } as const;

type Props = {
  readonly shape: Shape;
  /** Of the drawing, which is 1000 wide. */
  readonly height: number;
  /** A CSS pixel, in units of the drawing. */
  readonly pixel: number;
  readonly onBegin: (
    event: TargetedPointerEvent<SVGElement>,
    shapeAt: (to: Point, from: Point) => Shape,
  ) => void;
  readonly onChange: (shape: Shape) => void;
  readonly onRemove: (shape: Shape) => void;
};

/** The corners of the selected shape, to be moved, and of a mask the middles of its edges, which become corners. */
export function Handles({ shape, height, pixel, onBegin, onChange, onRemove }: Props) {
  const words = useWords().editor.shapes;
  const corners = shape.kind === 'mask' ? shape.mask : cornersOf(shape.box);
  const at = ([x, y]: Point) => ({ cx: x * ACROSS, cy: y * height });
  // Keys can come faster than the page is drawn: each step goes on from the one before.
  const latest = useRef(shape);
  latest.current = shape;
  const press = (event: TargetedKeyboardEvent<SVGElement>, corner: number) => {
    const step = arrowStep(event);
    if (step !== null) {
      event.preventDefault();
      const { current } = latest;
      const [x, y] = (current.kind === 'mask' ? current.mask : cornersOf(current.box))[corner]!;
      latest.current = withCorner(current, corner, pointAt(x + step[0], y + step[1]));
      return onChange(latest.current);
    }
    if (event.key !== 'Delete' && event.key !== 'Backspace') return;
    event.preventDefault();
    const mask = shape.kind === 'mask' ? withoutPoint(shape.mask, corner) : null;
    if (shape.kind === 'mask' && mask !== null) onChange({ ...shape, mask });
    else onRemove(shape);
  };
  return (
    <g class="handles">
      {shape.kind === 'mask' &&
        shape.mask.map((_, edge) => {
          const split = () => onChange({ ...shape, mask: splitEdge(shape.mask, edge) });
          const handlers = {
            ...AS_BUTTON,
            onKeyDown: (event: TargetedKeyboardEvent<SVGElement>) => {
              if (event.key !== 'Enter' && event.key !== ' ') return;
              event.preventDefault();
              split();
            },
            onPointerDown: (event: TargetedPointerEvent<SVGElement>) => {
              const grown = splitEdge(shape.mask, edge);
              onBegin(event, (to) => ({ ...shape, mask: withPoint(grown, edge + 1, to) }));
            },
          };
          return (
            <circle
              key={edge}
              class="handle handle-edge"
              {...at(middleOf(shape.mask, edge))}
              r={6 * pixel}
              aria-label={words.split(shape.name, edge + 1)}
              {...handlers}
            />
          );
        })}
      {corners.map((corner, index) => {
        const [x, y] = [formatPercent(corner[0]), formatPercent(corner[1])];
        const handlers = {
          ...AS_BUTTON,
          onKeyDown: (event: TargetedKeyboardEvent<SVGElement>) => press(event, index),
          onPointerDown: (event: TargetedPointerEvent<SVGElement>) =>
            onBegin(event, (to) => withCorner(shape, index, to)),
        };
        return (
          <circle
            key={index}
            class="handle"
            {...at(corner)}
            r={9 * pixel}
            aria-label={words.cornerAt(shape.name, index + 1, x, y, shape.kind === 'mask')}
            {...handlers}
          />
        );
      })}
    </g>
  );
}

function withCorner(shape: Shape, corner: number, to: Point): Shape {
  return shape.kind === 'mask'
    ? { ...shape, mask: withPoint(shape.mask, corner, to) }
    : { ...shape, box: moveCorner(shape.box, corner, to) };
}
