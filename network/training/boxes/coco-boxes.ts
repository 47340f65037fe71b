import { z } from 'zod';
import { NetworkError } from '#network/errors.ts';
import type { BoxOptions, FoundBox } from './box.ts';
import { checkedBox } from './box-number.ts';

const id = z.union([z.int(), z.string()]);

/** What is read of a file; it may say more. */
const Coco = z.object({
  images: z.array(
    z.object({
      id,
      file_name: z.string().exactOptional(),
      frame_id: z.int().exactOptional(),
      width: z.int().positive().exactOptional(),
      height: z.int().positive().exactOptional(),
    }),
  ),
  annotations: z.array(
    z.object({
      image_id: id,
      category_id: id,
      bbox: z.tuple([z.number(), z.number(), z.number(), z.number()]),
      iscrowd: z.union([z.int(), z.boolean()]).exactOptional(),
    }),
  ),
  categories: z.array(z.object({ id, name: z.string().min(1) })),
});

/** Size of the pictures that boxes were drawn on. */
export type DrawnOn = { readonly width: number; readonly height: number };

/** "annotations[3].bbox[1]". */
function pathText(path: readonly PropertyKey[]): string {
  return path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`)).join('');
}

function parse(text: string, where: string): z.infer<typeof Coco> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new NetworkError('NETWORK_BOXES', `${where}: no JSON (${why})`, { cause });
  }
  const parsed = Coco.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new NetworkError(
    'NETWORK_BOXES',
    `${where}${pathText(issue!.path)}: ${issue!.message}; expected COCO's images, annotations and categories`,
  );
}

/**
 * Boxes of a COCO file of objects. A picture's frame is its `frame_id` or the last number in its file name, both from 0 unless `firstFrame` says
 * otherwise. Crowds (`iscrowd`) are left out: they are areas in which nobody was counted.
 *
 * @param where the file, for messages
 * @returns the boxes, and the size that the pictures say they have
 * @throws NetworkError NETWORK_BOXES naming the element, also where pictures differ in size.
 */
export function cocoBoxes(
  text: string,
  where: string,
  { firstFrame = 0 }: BoxOptions,
): { readonly found: FoundBox[]; readonly drawnOn: DrawnOn | null } {
  const { images, annotations, categories } = parse(text, where);
  const refuse = (place: string, what: string): never => {
    throw new NetworkError('NETWORK_BOXES', `${where}.${place}: ${what}`);
  };
  let drawnOn: DrawnOn | null = null;
  const frames = new Map<string | number, number>();
  for (const [i, { id, file_name = '', frame_id, width, height }] of images.entries()) {
    const digits = /(\d{1,9})\D*$/.exec(file_name)?.[1];
    if (frame_id === undefined && digits === undefined)
      refuse(`images[${i}]`, 'which frame is it? Expected frame_id, or a number at the end of file_name');
    if (frames.has(id)) refuse(`images[${i}]`, `a second picture with id ${id}`);
    frames.set(id, frame_id ?? Number(digits));
    if (width === undefined || height === undefined) continue;
    drawnOn ??= { width, height };
    if (width !== drawnOn.width || height !== drawnOn.height) {
      const sizes = `${width} × ${height} pixels, those before it ${drawnOn.width} × ${drawnOn.height}`;
      refuse(`images[${i}]`, `${sizes}: they are not of one clip`);
    }
  }
  const names = new Map(categories.map(({ id, name }) => [id, name]));
  const found = annotations.flatMap(({ image_id, category_id, bbox, iscrowd }, i) => {
    const frame = frames.get(image_id) ?? refuse(`annotations[${i}]`, `no picture has id ${image_id}`);
    const label = names.get(category_id) ?? refuse(`annotations[${i}]`, `no category has id ${category_id}`);
    const [x, y, width, height] = bbox;
    const place = `${where}.annotations[${i}]`;
    const box = checkedBox({ frame: frame - firstFrame, label, x, y, width, height }, place);
    return iscrowd === 1 || iscrowd === true ? [] : [{ box, place }];
  });
  return { found, drawnOn };
}
