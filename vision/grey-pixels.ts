/** Light of a byte of sRGB (IEC 61966-2-1), 0 to 1. */
const LIGHT = Float32Array.from({ length: 256 }, (_, byte) => {
  const value = byte / 255;
  return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
});

const STEPS = 2 ** 14;
/** The byte for each step of light: at the dark end, where sRGB is steepest, a step is a fifth of a byte. */
const BYTE = Uint8Array.from({ length: STEPS + 1 }, (_, step) => {
  const light = step / STEPS;
  return Math.round(255 * (light <= 0.0031308 ? 12.92 * light : 1.055 * light ** (1 / 2.4) - 0.055));
});

/**
 * The grey of each pixel: as bright as its light (luminance by ITU-R BT.709), so that grey itself stays as it is. Within 1 of sharp's `greyscale`, which the
 * networks of before were trained with; that one works on the entire frame before it is shrunk, which took eight times as long for one of 1920 × 1080.
 *
 * @param colors red, green and blue of each pixel, bytes of sRGB
 */
export function greyPixels(colors: Uint8Array): Uint8Array<ArrayBuffer> {
  const grey = new Uint8Array(colors.length / 3);
  for (let pixel = 0; pixel < grey.length; pixel++) {
    const [red, green, blue] = [colors[3 * pixel]!, colors[3 * pixel + 1]!, colors[3 * pixel + 2]!];
    const light = 0.2126 * LIGHT[red]! + 0.7152 * LIGHT[green]! + 0.0722 * LIGHT[blue]!;
    grey[pixel] = BYTE[Math.round(STEPS * light)]!;
  }
  return grey;
}
