import type { SeededRandom } from '#network/model/random.ts';
import type { PictureFormat } from '#vision/picture-format.ts';

/** Largest changes of shape; each is drawn uniformly between minus and plus. */
export type WarpLimits = {
  /** Pixels, in both directions. */
  readonly shift?: number;
  /** Degrees. */
  readonly rotate?: number;
  /** Relative change of size, each direction separately: 0.1 is 90 % to 110 %. */
  readonly scale?: number;
  /** Sideways pixels for each pixel down. */
  readonly shear?: number;
};

/**
 * Shifts, turns, scales and shears a picture about its centre in one bilinear resampling; what comes from outside is black or repeats
 * the border. Teaches a network what may vary with hand or camera.
 *
 * @returns where a point of the picture is afterwards, in pixels, and how much larger everything is.
 */
export function warpPicture(
  picture: Float32Array,
  size: PictureFormat,
  random: SeededRandom,
  limits: WarpLimits,
  border: 'black' | 'repeat' = 'black',
): {
  readonly point: (x: number, y: number) => [x: number, y: number];
  readonly scaleX: number;
  readonly scaleY: number;
} {
  const draw = (limit = 0): number => (limit === 0 ? 0 : random.uniform(-limit, limit));
  const angle = (draw(limits.rotate) * Math.PI) / 180;
  const shear = draw(limits.shear);
  const scaleX = 1 / (1 + draw(limits.scale));
  const scaleY = 1 / (1 + draw(limits.scale));
  const shiftX = draw(limits.shift);
  const shiftY = draw(limits.shift);
  const { channels, height, width } = size;
  // Where each target pixel comes from: scale · rotation · shear, about the centre.
  const xx = scaleX * Math.cos(angle);
  const xy = scaleX * (Math.sin(angle) + shear * Math.cos(angle));
  const yx = -scaleY * Math.sin(angle);
  const yy = scaleY * (Math.cos(angle) - shear * Math.sin(angle));
  const centreX = (width - 1) / 2;
  const centreY = (height - 1) / 2;
  const source = picture.slice();
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const dx = x - centreX - shiftX;
      const dy = y - centreY - shiftY;
      const sx = xx * dx + xy * dy + centreX;
      const sy = yx * dx + yy * dy + centreY;
      const left = Math.floor(sx);
      const top = Math.floor(sy);
      for (let c = 0; c < channels; c++) {
        const plane = c * height * width;
        const pixel = (column: number, row: number): number => {
          if (column >= 0 && column < width && row >= 0 && row < height)
            return source[plane + row * width + column]!;
          if (border === 'black') return 0;
          const nearest = Math.min(height - 1, Math.max(0, row)) * width;
          return source[plane + nearest + Math.min(width - 1, Math.max(0, column))]!;
        };
        const upper = pixel(left, top) * (1 - sx + left) + pixel(left + 1, top) * (sx - left);
        const lower = pixel(left, top + 1) * (1 - sx + left) + pixel(left + 1, top + 1) * (sx - left);
        picture[plane + y * width + x] = upper * (1 - sy + top) + lower * (sy - top);
      }
    }
  }
  const determinant = xx * yy - xy * yx;
  return {
    // Pixel i covers i to i + 1.
    point(x, y) {
      const sx = x - 0.5 - centreX;
      const sy = y - 0.5 - centreY;
      return [
        (yy * sx - xy * sy) / determinant + centreX + shiftX + 0.5,
        (xx * sy - yx * sx) / determinant + centreY + shiftY + 0.5,
      ];
    },
    scaleX: 1 / scaleX,
    scaleY: 1 / scaleY,
  };
}
