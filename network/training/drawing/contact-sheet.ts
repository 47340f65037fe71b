import sharp from 'sharp';
import { type FrameSize, readFrames } from '../datasets/clip.ts';
import type { PictureBox } from '../datasets/paste-people.ts';

/** What is drawn on a frame, in pixels of the clip. */
export type Marks = {
  readonly boxes?: readonly (PictureBox & { readonly track?: number })[];
  readonly points?: readonly { readonly x: number; readonly y: number }[];
};

/** Width of a frame on the sheet, in pixels. */
const TILE_WIDTH = 480;
const COLUMNS = 4;
/** Told apart on grass, asphalt and skin alike. */
const COLORS = ['#ff2d55', '#ffd60a', '#30d158', '#0a84ff', '#bf5af2', '#ff9f0a', '#64d2ff', '#ffffff'];
const POINT_COLOR = '#00ffff';

/** Lines of a digit as on a clock, on a field of 10 × 18: top, upper left, upper right, middle, lower left, lower right, bottom. */
const STROKES = ['M1 1H9', 'M1 1V9', 'M9 1V9', 'M1 9H9', 'M1 9V17', 'M9 9V17', 'M1 17H9'];
const DIGITS = ['012456', '25', '02346', '02356', '1235', '01356', '013456', '025', '0123456', '012356'];

/** A number drawn with lines: there may be no font on the machine. */
function numberPath(number: number): string {
  return [...String(number)]
    .map((digit, i) => {
      const strokes = [...DIGITS[Number(digit)]!].map((stroke) => STROKES[Number(stroke)]).join('');
      return `<path d="${strokes}" transform="translate(${6 + 15 * i} 6)" fill="none" stroke="#fff" stroke-width="2"/>`;
    })
    .join('');
}

function overlay(tile: FrameSize, scale: number, frame: number, { boxes = [], points = [] }: Marks): Buffer {
  const label = numberPath(frame);
  const shade = `<rect width="${12 + 15 * String(frame).length}" height="30" fill="#000a"/>`;
  const rectangles = boxes.map(({ x, y, width, height, track = 1 }) => {
    const sides = { x, y, width, height };
    const text = Object.entries(sides).map(([side, value]) => `${side}="${(value * scale).toFixed(1)}"`);
    return `<rect ${text.join(' ')} fill="none" stroke-width="2" stroke="${COLORS[(track - 1) % COLORS.length]}"/>`;
  });
  const dots = points.map(
    ({ x, y }) =>
      `<circle cx="${(x * scale).toFixed(1)}" cy="${(y * scale).toFixed(1)}" r="5" fill="${POINT_COLOR}" stroke="#000" stroke-width="1.5"/>`,
  );
  return Buffer.from(
    `<svg xmlns="http://www.w3.org/2000/svg" width="${tile.width}" height="${tile.height}">${rectangles.join('')}${dots.join('')}${shade}${label}</svg>`,
  );
}

/** `count` of the numbers at even distances, all of them if there are no more. */
export function evenly(numbers: readonly number[], count: number): number[] {
  if (numbers.length <= count) return [...numbers];
  return Array.from({ length: count }, (_, i) => numbers[Math.floor(((i + 0.5) * numbers.length) / count)]!);
}

/**
 * Draws frames of a clip with marks on them side by side, four in a row, each with its number.
 *
 * @param frames numbers of the frames, from 0, rising
 * @returns a JPEG
 * @throws NetworkError NETWORK_DATA if the clip cannot be read; the signal's reason.
 */
export async function contactSheet(
  clip: string,
  frames: readonly number[],
  marksOf: (frame: number, size: FrameSize) => Marks,
  signal?: AbortSignal,
): Promise<Buffer> {
  const wanted = new Set(frames);
  const tiles: { readonly input: Buffer; readonly tile: FrameSize }[] = [];
  let number = -1;
  for await (const { frame, size } of readFrames(clip, signal)) {
    number++;
    if (!wanted.has(number)) continue;
    const scale = TILE_WIDTH / size.width;
    const tile = { width: TILE_WIDTH, height: Math.max(1, Math.round(size.height * scale)) };
    const input = await sharp(frame, { raw: { ...size, channels: 3 } })
      .resize(tile.width, tile.height, { fit: 'fill' })
      .composite([{ input: overlay(tile, scale, number, marksOf(number, size)) }])
      .removeAlpha()
      .raw()
      .toBuffer();
    tiles.push({ input, tile });
    if (tiles.length === wanted.size) break;
  }
  const { width, height } = tiles[0]?.tile ?? { width: TILE_WIDTH, height: 1 };
  const rows = Math.max(1, Math.ceil(tiles.length / COLUMNS));
  const background = '#fff';
  return await sharp({
    create: {
      width: width * Math.min(COLUMNS, Math.max(1, tiles.length)),
      height: height * rows,
      channels: 3,
      background,
    },
  })
    .composite(
      tiles.map(({ input }, i) => ({
        input,
        raw: { width, height, channels: 3 as const },
        left: (i % COLUMNS) * width,
        top: Math.floor(i / COLUMNS) * height,
      })),
    )
    .jpeg({ quality: 85 })
    .toBuffer();
}
