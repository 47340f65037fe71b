import type { Dataset } from '#network/model/dataset.ts';
import { pictureValues } from '#network/model/dataset.ts';
import type { SeededRandom } from '#network/model/random.ts';
import type { PictureFormat } from '#vision/picture-format.ts';

/** A person's box in pixels of the picture (not of the frame). */
export type PictureBox = {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
};

/** The difference of a person to the empty scene, cut out of one picture. */
type Cutout = PictureBox & { readonly difference: Float32Array; readonly mask: Uint8Array };

/** A pixel belongs to a person if it differs from the empty scene by more than this. */
const VISIBLE = 0.06;
/** Share of the picture's height by which a person is moved up or down: with more the perspective would be wrong. */
const MOVE_Y = 0.12;
/** How strongly a person stands out, as a multiple of the original: others wear other clothes. */
const CONTRAST = [0.7, 1.2] as const;
/** Share of the pictures with somebody at the border whose centre is outside and who does not count. */
const BYSTANDERS = 0.3;

/** Every pixel's median over the pictures: the scene without passers-by. */
export function emptyScene(dataset: Dataset): Float32Array {
  const size = pictureValues(dataset.picture);
  const count = dataset.classes.length;
  const values = new Float32Array(count);
  return Float32Array.from({ length: size }, (_, pixel) => {
    for (let n = 0; n < count; n++) values[n] = dataset.pictures[n * size + pixel]!;
    return values.sort()[count >> 1]!;
  });
}

function cut(picture: Float32Array, scene: Float32Array, size: PictureFormat, box: PictureBox): Cutout {
  const left = Math.floor(box.x);
  const top = Math.floor(box.y);
  const width = Math.ceil(box.x + box.width) - left;
  const height = Math.ceil(box.y + box.height) - top;
  const difference = new Float32Array(size.channels * width * height);
  const mask = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < size.channels; c++) {
        const at = (c * size.height + top + y) * size.width + left + x;
        const value = picture[at]! - scene[at]!;
        difference[(c * height + y) * width + x] = value;
        if (Math.abs(value) > VISIBLE) mask[y * width + x] = 1;
      }
    }
  }
  return { x: left, y: top, width, height, difference, mask };
}

/** How a cutout is drawn: its upper left corner, whether it is mirrored, and how strongly it stands out. */
type Placement = {
  readonly cutout: Cutout;
  readonly left: number;
  readonly top: number;
  readonly mirrored: boolean;
  readonly contrast: number;
};

/** Draws a cutout over a picture. */
function paste(
  target: Float32Array,
  scene: Float32Array,
  size: PictureFormat,
  { cutout, left, top, mirrored, contrast }: Placement,
): void {
  const { width, height, difference, mask } = cutout;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const inside = left + x >= 0 && left + x < size.width && top + y >= 0 && top + y < size.height;
      const from = y * width + (mirrored ? width - 1 - x : x);
      if (!inside || mask[from] === 0) continue;
      for (let c = 0; c < size.channels; c++) {
        const at = (c * size.height + top + y) * size.width + left + x;
        const value = scene[at]! + contrast * difference[c * height * width + from]!;
        target[at] = Math.min(1, Math.max(0, value));
      }
    }
  }
}

/**
 * Makes pictures that nobody filmed: the empty scene with people cut out of the training pictures, pasted at other places. Every class
 * occurs equally often, so a network learns to count rather than to remember who stood where.
 *
 * @param boxes of the people in each picture of the dataset; only those wholly within it are cut out.
 * @param count of pictures to make. Class n is n people whose centre is in the picture; the last class is that many or more.
 */
export function pastePeople(
  dataset: Dataset,
  boxes: readonly (readonly PictureBox[])[],
  count: number,
  random: SeededRandom,
): Dataset {
  const size = dataset.picture;
  const values = pictureValues(size);
  const scene = emptyScene(dataset);
  const cutouts = boxes.flatMap((list, n) =>
    list
      .filter(
        ({ x, y, width, height }) => x >= 0 && y >= 0 && x + width <= size.width && y + height <= size.height,
      )
      .map((box) => cut(dataset.pictures.subarray(n * values, (n + 1) * values), scene, size, box)),
  );
  const pictures = new Float32Array(count * values);
  const classes = new Uint8Array(count);
  const most = dataset.labels.length - 1;
  for (let n = 0; n < count; n++) {
    const target = pictures.subarray(n * values, (n + 1) * values);
    target.set(scene);
    const label = n % (most + 1);
    const people = cutouts.length === 0 ? 0 : label === most ? most + random.below(2) : label;
    const bystander = cutouts.length > 0 && random.uniform() < BYSTANDERS;
    const placed = Array.from({ length: people + (bystander ? 1 : 0) }, (_, i) => {
      const cutout = cutouts[random.below(cutouts.length)]!;
      const half = cutout.width / 2;
      const side = random.below(2) === 0 ? -half : size.width - half;
      const left =
        i < people
          ? random.uniform(-half, size.width - half)
          : side + (side < 0 ? -1 : 1) * random.uniform(1, half);
      const wanted = cutout.y + random.uniform(-MOVE_Y, MOVE_Y) * size.height;
      const top = Math.max(-cutout.height / 2, Math.min(size.height - 1 - cutout.height / 2, wanted));
      const mirrored = random.below(2) === 1;
      const contrast = random.uniform(...CONTRAST);
      return { cutout, left: Math.round(left), top: Math.round(top), mirrored, contrast };
    });
    // Nearer people hide those behind.
    placed.sort((a, b) => a.top + a.cutout.height - b.top - b.cutout.height);
    for (const one of placed) paste(target, scene, size, one);
    classes[n] = cutouts.length === 0 ? 0 : label;
  }
  return { ...dataset, pictures, classes };
}
