import type { PictureShape } from '#fhe';
import { NetworkError } from '#network/errors.ts';

/**
 * Unseen pictures may exceed the calibrated logits by this factor before the answer is withheld. Measured on the bundled networks:
 *
 * | headroom                                                              |       1 |     1.5 |       2 |       3 |
 * | --------------------------------------------------------------------- | ------: | ------: | ------: | ------: |
 * | withheld of 30 699 test pictures (largest: 1.48 times the calibrated) |       9 |       0 |       0 |       0 |
 * | of 315 hostile ones: e2dm 1 (2.8), lenet5 4 (5.1, 7.8, 20, 43)         |       5 |       5 |       5 |       4 |
 * | of 1 746 pictures of the other camera, counter and carpark             |       0 |       0 |       0 |       0 |
 * | of 30 000 inverted digits                                              |    5368 |     680 |      28 |       0 |
 * | worst logit error of counter, largest logit 27.6                       |  3.3e-3 |  4.5e-3 |  5.1e-3 |  9.0e-3 |
 * | of e2dm, largest logit 13.2                                            |  2.7e-3 |  2.8e-3 |  3.8e-3 |  5.2e-3 |
 *
 * So 1.5 answers every honest picture; more would only answer more pictures that show nothing. `zoo.test.ts` checks it.
 */
export const LOGIT_HEADROOM = 1.5;
/**
 * Scale of the answer, whose slots are at most 1 in magnitude within the calibrated range: half of the last prime's capacity.
 * The same for every network, because a scale is public.
 */
export const ANSWER_SCALE = 2 ** 28;
/** Largest deviation of empty slots from zero, and of copies from each other, relative to the range; the noise is 2^-15 of it. */
export const SLOT_TOLERANCE = 2 ** -10;
/** Bits of the last prime, of the special primes, and of all primes of small rings. */
export const LONG_PRIME_BITS = 30;
/**
 * Bits of the primes that rescaling drops where digits have several limbs, by ring degree. From N = 16384 on digits of key switching
 * have several limbs and are shorter than the special primes, so next to nothing of its noise is left, which with equal primes is some ten times that of
 * rescaling: four bits less a level keep the precision (measured in network/compiler/depth.md; five bits cost one to two). Bundles
 * are packed, so they shrink by as much. Larger rings are noisier.
 */
export const SHORT_PRIME_BITS: Readonly<Record<number, number>> = { 16384: 26, 32768: 27, 65536: 28 };

/** Scales of a program. */
export type Scales = {
  /** Of the encrypted picture. */
  readonly input: number;
  /** Between linear steps. */
  readonly between: number;
};

/**
 * The scales that fit primes of so many bits.
 *
 * Long primes: values are as large as a prime, so that squaring and rescaling keep their scale. Public-key encryption leaves an error of about 2^15 in a slot
 * at N = 8192, so the picture gets more, and the first weights, which are encrypted with less noise, get fewer bits.
 *
 * Short primes: weights are the least noisy (2^9 in a slot, against 2^12 after a rescaling), so they give a bit to the values: with b bits a
 * prime, linear steps return 2^(b + 1), squares 2^(b + 2), and weights have 2^(b − 1).
 */
export function scalesFor(primeBits: number): Scales {
  if (primeBits === LONG_PRIME_BITS) return { input: 2 ** 33, between: 2 ** 30 };
  return { input: 2 ** (primeBits + 2), between: 2 ** (primeBits + 1) };
}

/** n of the answers' ring: the smallest that is secure for a prime of 30 bits together with its switching key. */
export const RESULT_RING_DEGREE = 2048;
/**
 * The calibrated range before a product is mapped to this peak. Typical values are a tenth of the largest ones, and nothing overflows between the
 * steps, so the peak may well exceed 1: on `counter` the worst logit error is 1.0e-2 with a peak of 0.8, 1.1e-3 with 2.5, and 3.1e-3 with 5,
 * where the noise of the next weights takes over.
 */
export const ACTIVATION_PEAK = 2.5;

/** The shape of a picture that a gateway can prepare. @throws NetworkError NETWORK_SHAPE for any other. */
export function pictureShape(
  shape: readonly number[],
  { light, motion }: Pick<PictureShape, 'light' | 'motion'> = {},
): PictureShape {
  const moving = motion && movingSize(shape);
  if (moving) return { ...moving, ...(light && { light }), motion };
  return { ...sizeOf(shape), ...(light && { light }) };
}

/** The size of a picture whose last channel is motion. */
function movingSize([channels, height, width]: readonly number[]) {
  if ((channels !== 2 && channels !== 4) || height === undefined || width === undefined) return null;
  return { channels, height, width } as const;
}

function sizeOf(shape: readonly number[]): PictureShape {
  const [channels, height, width] = shape;
  if (shape.length === 3 && (channels === 1 || channels === 3))
    return { channels, height: height!, width: width! };
  // Vectors, and pictures whose only channel comes last, have the same row-major order.
  if (shape.length === 3 && width === 1) return { channels: 1, height: channels!, width: height! };
  if (shape.length === 1) return { channels: 1, height: 1, width: shape[0]! };
  const turn =
    shape.length === 3 && width === 3 ? '; `blindsight model import` turns pictures with channels last' : '';
  const motion = movingSize(shape)
    ? ', or "motion": {"seconds": …} of the "picture" in its description, if that is the last channel'
    : '';
  throw new NetworkError(
    'NETWORK_SHAPE',
    `input ${shape.join('×')}: expected 1 or 3 channels × height × width${motion}${turn}`,
  );
}
