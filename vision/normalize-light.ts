/** Standard deviations on either side of the mean that [0, 1] spans; what lies beyond is clamped. */
const SPAN = 3;
/**
 * A picture of less contrast is spread as if it had this much, in byte steps: the noise of a wall in the dark is no scene. A car park in
 * flat light has 9.
 */
const LEAST_DEVIATION = 4;

/** The light of a picture: its mean, and how many byte steps [0, 1] spans about it. */
export type Light = { readonly mean: number; readonly width: number };

/**
 * Measures the light of a picture, over all its values. Sums are whole numbers and the rest is rounded as IEEE 754 says, so every machine
 * computes the same, bit for bit.
 *
 * @param bytes of one prepared picture, whole numbers from 0 to 255; fewer than 2^24.
 */
export function lightOf(bytes: ArrayLike<number>): Light {
  const count = bytes.length;
  let sum = 0;
  let squares = 0;
  for (let i = 0; i < count; i++) {
    const byte = bytes[i]!;
    sum += byte;
    squares += byte * byte;
  }
  const mean = sum / count;
  const deviation = Math.sqrt(Math.max(0, squares / count - mean * mean));
  return { mean, width: 2 * SPAN * Math.max(deviation, LEAST_DEVIATION) };
}

/**
 * Normalizes the light of a picture: mean to ½, {@link SPAN} standard deviations to 0 and 1. A scene looks the same to a network by day, at
 * dusk and after the camera has changed its exposure, and no picture is stronger than another.
 *
 * @param bytes as for {@link lightOf}
 * @returns as many values in [0, 1].
 */
export function normalizeLight(
  bytes: ArrayLike<number>,
  { mean, width }: Light = lightOf(bytes),
): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: bytes.length }, (_, i) =>
    Math.min(1, Math.max(0, (bytes[i]! - mean) / width + 0.5)),
  );
}
