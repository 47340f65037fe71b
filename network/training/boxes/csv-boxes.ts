import { NetworkError } from '#network/errors.ts';
import type { BoxOptions, FoundBox } from './box.ts';
import { checkedBox, decimal } from './box-number.ts';
import { defaultLabel } from './default-label.ts';

/** Names that a column may have. */
const COLUMNS = {
  frame: ['frame'],
  label: ['label', 'class', 'category'],
  x: ['x', 'left'],
  y: ['y', 'top'],
  width: ['width', 'w'],
  height: ['height', 'h'],
} as const;

/** The fields of a line; a field in quotes may hold commas, and quotes that are doubled. */
function fieldsOf(line: string): string[] {
  if (!line.includes('"')) return line.split(',').map((field) => field.trim());
  return [...line.matchAll(/(?:^|,)(?:\s*"((?:[^"]|"")*)"\s*(?=,|$)|([^,]*))/g)].map(([, quoted, plain]) =>
    quoted === undefined ? plain!.trim() : quoted.replaceAll('""', '"'),
  );
}

/**
 * Boxes of a CSV file whose first line names its columns, in any order: `frame` (from 0), `x`, `y` (upper left corner), `width`, `height` in
 * pixels, and `label` where there are several; others, such as a person's number, are not looked at.
 *
 * @param where the file, for messages
 * @throws NetworkError NETWORK_BOXES naming the line.
 */
export function csvBoxes(text: string, where: string, options: BoxOptions): FoundBox[] {
  const [heading = '', ...lines] = text.split(/\r\n|\r|\n/);
  const names = fieldsOf(heading).map((name) => name.toLowerCase());
  const at = (column: keyof typeof COLUMNS): number =>
    names.findIndex((name) => (COLUMNS[column] as readonly string[]).includes(name));
  const [frame, x, y, width, height] = (['frame', 'x', 'y', 'width', 'height'] as const).map((column) => {
    const index = at(column);
    if (index >= 0) return index;
    throw new NetworkError(
      'NETWORK_BOXES',
      `${where}:1: no column ${column}; expected a heading such as "frame,label,x,y,width,height", found "${heading.slice(0, 100)}"`,
    );
  });
  const label = at('label');
  const only = label < 0 ? defaultLabel(where, options) : '';
  return lines.flatMap((line, i) => {
    if (line.trim() === '') return [];
    const place = `${where}:${i + 2}`;
    const fields = fieldsOf(line);
    if (fields.length !== names.length) {
      throw new NetworkError(
        'NETWORK_BOXES',
        `${place}: ${fields.length} fields, but the heading has ${names.length}: "${line.slice(0, 100)}"`,
      );
    }
    const number = (index: number | undefined): number => decimal(fields[index!]);
    const box = {
      frame: number(frame) - (options.firstFrame ?? 0),
      label: label < 0 ? only : fields[label]!,
      ...{ x: number(x), y: number(y), width: number(width), height: number(height) },
    };
    return [{ box: checkedBox(box, place), place }];
  });
}
