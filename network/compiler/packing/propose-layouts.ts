import { type Canvas, type Drawing, evenBlocks, gridLayout, spreadGridLayout } from './map-layouts.ts';
import { powerOfTwo, type SlotLayout } from './slot-layout.ts';
import { reversedLayout, sequentialLayout, splitLayout, stridedLayout } from './vector-layouts.ts';

/** Maximum number of ciphertexts of a tensor. */
const MOST_CIPHERTEXTS = 64;
const PHASES = [1, 2, 4];
const STRIDES = [1, 2, 4, 8, 16];

function isMaps(shape: readonly number[]): boolean {
  return shape.length === 3 && shape[1]! * shape[2]! > 1;
}

/** Canvases that fit the first maps of a network, whole or split into phases, tight or padded to powers of two. */
export function proposeCanvases(shapes: readonly (readonly number[])[]): Map<number, Canvas[]> {
  const maps = shapes.filter(isMaps);
  const canvases = new Map<number, Canvas[]>();
  if (maps.length === 0) return canvases;
  const height = Math.max(...maps.map((shape) => shape[1]!));
  const width = Math.max(...maps.map((shape) => shape[2]!));
  for (const phases of PHASES) {
    const rows = Math.ceil(height / phases);
    const columns = Math.ceil(width / phases);
    if (phases > 1 && Math.min(rows, columns) < 2) continue;
    const pitch = powerOfTwo(columns);
    const list: Canvas[] = [
      { pitch: columns, block: rows * columns },
      { pitch: columns, block: powerOfTwo(rows * columns) },
      { pitch, block: pitch * powerOfTwo(rows) },
    ];
    const seen = new Set<string>();
    canvases.set(
      phases,
      list.filter(({ pitch: p, block }) => {
        const key = `${p}/${block}`;
        return !seen.has(key) && seen.add(key);
      }),
    );
  }
  return canvases;
}

/** Vectors: repeated in order, split between low and high bits, at every stride; reversed at every period. */
function vectorLayouts(size: number, slots: number): (SlotLayout | null)[] {
  const bits = Math.log2(powerOfTwo(size));
  const layouts = Array.from({ length: bits }, (_, lowBits) => splitLayout(size, slots, lowBits));
  for (let stride = slots / 2 ** bits / 2; stride > 1; stride /= 2)
    layouts.push(stridedLayout(size, slots, stride));
  return [...layouts, ...reversedLayouts(size, slots)];
}

function reversedLayouts(size: number, slots: number): (SlotLayout | null)[] {
  const layouts: (SlotLayout | null)[] = [];
  for (let period = 2; period < slots; period *= 2) layouts.push(reversedLayout(size, slots, period));
  return layouts;
}

/** Maps in gaps of which half or all is summed, in rows and perhaps in columns; only where rows are a power of two apart. */
function summedLayouts(
  shape: readonly number[],
  slots: number,
  canvas: Canvas,
  drawing: Drawing,
): (SlotLayout | null)[] {
  const { gap } = drawing;
  if (gap === 1 || canvas.pitch !== powerOfTwo(canvas.pitch)) return [];
  const layouts: (SlotLayout | null)[] = [];
  for (let columns = gap; columns >= 2 && columns >= gap / 2; columns /= 2) {
    for (let rows = columns; rows >= 1 && rows >= columns / 2; rows /= 2) {
      const summed = { columns, rows };
      for (const fold of [true, false])
        layouts.push(gridLayout(shape, slots, canvas, { ...drawing, summed }, fold));
    }
  }
  return layouts;
}

/** Maps on canvases, at every stride relative to the first maps that their size allows. */
function mapLayouts(
  shape: readonly number[],
  slots: number,
  canvases: ReadonlyMap<number, readonly Canvas[]>,
): (SlotLayout | null)[] {
  const layouts: (SlotLayout | null)[] = [];
  for (const [first, list] of canvases) {
    for (const canvas of list) {
      for (const stride of STRIDES) {
        const phases = Math.max(1, first / stride);
        const gap = Math.max(1, stride / first);
        for (const fold of [true, false]) {
          const inPhase = Math.ceil(shape[0]! / (gap * gap));
          const fit = Math.floor(slots / canvas.block);
          for (const blocks of [undefined, ...evenBlocks(inPhase * phases * phases, powerOfTwo(fit + 1) / 2)])
            layouts.push(gridLayout(shape, slots, canvas, { phases, gap, ...(blocks && { blocks }) }, fold));
          if (phases > 1)
            layouts.push(gridLayout(shape, slots, canvas, { phases, gap, phasesOnTop: true }, fold));
        }
        layouts.push(...summedLayouts(shape, slots, canvas, { phases, gap }));
        for (let together = 1; phases === 1 && together < shape[0]!; together *= 2)
          layouts.push(spreadGridLayout(shape, slots, canvas, gap, together));
      }
    }
  }
  return layouts;
}

/**
 * Layouts worth trying for a tensor, each name once.
 *
 * @param last the logits: only layouts in which every slot is determined and some must be zero, if there is one.
 */
export function proposeLayouts(
  shape: readonly number[],
  slots: number,
  canvases: ReadonlyMap<number, readonly Canvas[]>,
  last: boolean,
): SlotLayout[] {
  const size = shape.reduce((a, b) => a * b, 1);
  const proposed = [true, false].map((fold) => sequentialLayout(size, slots, fold, last ? size + 1 : size));
  if (last) proposed.push(...reversedLayouts(size, slots));
  else if (isMaps(shape)) proposed.push(splitLayout(size, slots, 0), ...mapLayouts(shape, slots, canvases));
  else proposed.push(...vectorLayouts(size, slots));
  const found = new Map<string, SlotLayout>();
  for (const layout of proposed) {
    if (layout === null || layout.ciphertexts > MOST_CIPHERTEXTS) continue;
    if (!found.has(layout.name)) found.set(layout.name, layout);
  }
  return [...found.values()];
}
