import type { Box } from './box.ts';

/** A field of CSV, in quotes where it must be. */
function field(text: string): string {
  return /[",\s]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Boxes as CSV that `parseBoxes` reads, by frame. */
export function boxesCsv(boxes: readonly Box[]): string {
  const lines = boxes
    .toSorted((a, b) => a.frame - b.frame)
    .map(({ frame, label, x, y, width, height }) => [frame, field(label), x, y, width, height].join(','));
  return `${['frame,label,x,y,width,height', ...lines].join('\n')}\n`;
}
