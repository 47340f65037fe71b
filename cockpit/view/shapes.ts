/** Shares of the picture, 0 to 1, from its top left. */
export type Point = readonly [number, number];
export type Box = { readonly x: number; readonly y: number; readonly width: number; readonly height: number };
/** A polygon of three corners and more. */
export type Mask = readonly Point[];

/** The smallest side of a region: smaller ones cannot be taken hold of. */
const LEAST = 0.01;

/** Three digits: a picture of 4000 pixels is placed to four of them. */
export function round(share: number): number {
  return Math.round(share * 1000) / 1000;
}

export function clamp(share: number, most = 1): number {
  return Math.min(Math.max(share, 0), most);
}

export function pointAt(x: number, y: number): Point {
  return [round(clamp(x)), round(clamp(y))];
}

/** The box between two opposite corners. */
export function boxBetween([ax, ay]: Point, [bx, by]: Point): Box {
  const x = Math.min(ax, bx, 1 - LEAST);
  const y = Math.min(ay, by, 1 - LEAST);
  return {
    x: round(x),
    y: round(y),
    width: round(Math.max(Math.abs(ax - bx), LEAST)),
    height: round(Math.max(Math.abs(ay - by), LEAST)),
  };
}

/** Moved as far as the picture goes. */
export function moveBox(box: Box, dx: number, dy: number): Box {
  return {
    ...box,
    x: round(clamp(box.x + dx, 1 - box.width)),
    y: round(clamp(box.y + dy, 1 - box.height)),
  };
}

/** From the top left, clockwise. */
export function cornersOf({ x, y, width, height }: Box): readonly [Point, Point, Point, Point] {
  return [
    [x, y],
    [x + width, y],
    [x + width, y + height],
    [x, y + height],
  ];
}

/** With one corner elsewhere; the opposite one stays. */
export function moveCorner(box: Box, corner: number, to: Point): Box {
  return boxBetween(cornersOf(box)[(corner + 2) % 4]!, to);
}

/** Moved as far as the picture goes; its form stays. */
export function moveMask(mask: Mask, dx: number, dy: number): Mask {
  const xs = mask.map(([x]) => x);
  const ys = mask.map(([, y]) => y);
  const byX = Math.min(Math.max(dx, -Math.min(...xs)), 1 - Math.max(...xs));
  const byY = Math.min(Math.max(dy, -Math.min(...ys)), 1 - Math.max(...ys));
  return mask.map(([x, y]) => pointAt(x + byX, y + byY));
}

export function withPoint(mask: Mask, index: number, point: Point): Mask {
  return mask.map((one, i) => (i === index ? point : one));
}

/** With a corner in the middle of the edge that begins at `index`. */
export function splitEdge(mask: Mask, index: number): Mask {
  return mask.toSpliced(index + 1, 0, middleOf(mask, index));
}

export function middleOf(mask: Mask, index: number): Point {
  const [ax, ay] = mask[index]!;
  const [bx, by] = mask[(index + 1) % mask.length]!;
  return pointAt((ax + bx) / 2, (ay + by) / 2);
}

/** Without a corner; null where fewer than three would be left. */
export function withoutPoint(mask: Mask, index: number): Mask | null {
  return mask.length <= 3 ? null : mask.toSpliced(index, 1);
}

/** What is a box; a text that is being typed may be none yet. */
export function asBox(value: unknown): Box | null {
  if (typeof value !== 'object' || value === null) return null;
  const { x, y, width, height } = value as Record<string, unknown>;
  return [x, y, width, height].every((side) => typeof side === 'number' && Number.isFinite(side))
    ? ({ x, y, width, height } as Box)
    : null;
}

/** What is a mask; see {@link asBox}. */
export function asMask(value: unknown): Mask | null {
  if (!Array.isArray(value) || value.length < 3) return null;
  const isPoint = (point: unknown) =>
    Array.isArray(point) && point.length === 2 && point.every((share) => Number.isFinite(share));
  return value.every(isPoint) ? (value as Mask) : null;
}
