import type { Box } from './box.ts';

/** A box as it is written: with its label, or with the number of the thing if nobody has said yet what it is. */
export type WrittenBox = Omit<Box, 'label'> & { readonly label?: string; readonly track?: number };

/** A field of CSV, in quotes where it must be. */
function field(value: string | number): string {
  return /[",\s]/.test(String(value)) ? `"${String(value).replaceAll('"', '""')}"` : String(value);
}

/** Boxes as CSV that `parseBoxes` reads, by frame; with the columns `label` and `track` if all have one. */
export function boxesCsv(boxes: readonly WrittenBox[]): string {
  const optional = (['label', 'track'] as const).filter((column) =>
    boxes.every((box) => box[column] !== undefined),
  );
  const columns = ['frame', ...optional, 'x', 'y', 'width', 'height'] as const;
  const lines = boxes
    .toSorted((a, b) => a.frame - b.frame)
    .map((box) => columns.map((column) => field(box[column]!)).join(','));
  return `${[columns.join(','), ...lines].join('\n')}\n`;
}
