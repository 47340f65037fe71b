import { NetworkError } from '#network/errors.ts';
import type { BoxOptions, FoundBox } from './box.ts';
import { checkedBox, decimal } from './box-number.ts';
import { defaultLabel } from './default-label.ts';

/** Classes of MOT16 and later, by their number. */
const CLASSES: readonly string[] = [
  'pedestrian',
  'person on vehicle',
  'car',
  'bicycle',
  'motorbike',
  'non motorized vehicle',
  'static person',
  'distractor',
  'occluder',
  'occluder on the ground',
  'occluder full',
  'reflection',
  'crowd',
];

/** Columns of MOT16 and later: frame, identity, left, top, width, height, considered, class, visibility. */
const WITH_CLASS = 9;
/** In the files of 2015 three coordinates follow instead, or nothing. */
const WITHOUT_CLASS = [6, 7, 10];

/**
 * Boxes of a `gt.txt` of MOTChallenge (arXiv:1603.00831): no heading, frames and pixels from 1. Lines that are not to be considered (a 0 in the
 * seventh column) are left out. In files with classes, `person` is wanted as well as `pedestrian` for class 1.
 *
 * @param where the file, for messages
 * @throws NetworkError NETWORK_BOXES naming the line.
 */
export function motBoxes(text: string, where: string, options: BoxOptions): FoundBox[] {
  const lines = text.split(/\r\n|\r|\n/);
  const first = lines.find((line) => line.trim() !== '') ?? '';
  const columns = first.split(',').length;
  if (columns !== WITH_CLASS && !WITHOUT_CLASS.includes(columns)) {
    throw new NetworkError(
      'NETWORK_BOXES',
      `${where}: ${columns} columns: expected the 9 or 10 of a gt.txt of MOTChallenge, or a heading such as "frame,label,x,y,width,height"`,
    );
  }
  const only = columns === WITH_CLASS ? null : defaultLabel(where, options);
  const person = options.labels?.includes('person') === true && !options.labels.includes('pedestrian');
  return lines.flatMap((line, i) => {
    if (line.trim() === '') return [];
    const place = `${where}:${i + 1}`;
    const fields = line.split(',').map((field) => decimal(field.trim()));
    if (fields.length !== columns || fields.some(Number.isNaN)) {
      throw new NetworkError(
        'NETWORK_BOXES',
        `${place}: expected ${columns} numbers as in the first line, found "${line.slice(0, 100)}"`,
      );
    }
    const [frame, , x, y, width, height, considered, kind] = fields as [number, ...number[]];
    const name = kind === undefined ? undefined : CLASSES[kind - 1];
    if (only === null && name === undefined)
      throw new NetworkError('NETWORK_BOXES', `${place}: class ${kind}: expected 1 to ${CLASSES.length}`);
    const label = only ?? (kind === 1 && person ? 'person' : name!);
    const box = {
      frame: frame - (options.firstFrame ?? 1),
      label,
      ...{ x: x! - 1, y: y! - 1, width: width!, height: height! },
    };
    checkedBox(box, place);
    return considered === 0 ? [] : [{ box, place }];
  });
}
