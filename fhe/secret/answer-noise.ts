import { createCipheriv, createHmac, createSecretKey, hkdfSync } from 'node:crypto';

/**
 * Standard deviation of the noise, as a share of the range of logits. What encryption and evaluation scatter the logits of one picture by is below a
 * twenty-thousandth of that range (a test holds it for the bundled networks), so this is 160 times as much. Less would tell more (see {@link leakOfHonestAnswer}); more would be
 * seen: of counter's probabilities at 90 % it moves a few by one step of 5 %.
 */
export const NOISE_SHARE = 1 / 128;
/** Standard deviation of the logits of one picture over its encryptions, as a share of the range: at most. */
export const DEVIATION_SHARE = 1 / 20_480;

const KEY_BYTES = 32;
const INFO = 'blindsight answer noise 1';
const DOUBLE_BYTES = 8;

/** The key of the noise of one key pair's answers: HKDF-SHA256 of the secret key that opens them. */
export function answerNoiseKey(secretKey: Uint8Array): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', secretKey, new Uint8Array(), INFO, KEY_BYTES));
}

/**
 * Gaussian noise of variance 1 for the logits of an answer; added to them, times {@link NOISE_SHARE} · range, before anything of them is judged or
 * rounded.
 *
 * Why: the deviation of an approximate decryption from the clear result is a linear function of the secret key that whoever made the ciphertext knows
 * (Li and Micciancio, Eurocrypt 2021). With an honest evaluation of a picture that is chosen to lie at the border between two published values, each answer would
 * tell the sign of it, and some thousands of them the key; no audit finds that, because nothing was forged. Noise that is much larger than the deviation hides it
 * (Li, Micciancio, Schultz and Sorrell, Crypto 2022).
 *
 * It follows from the ciphertext, so that one that is shown again gives the same again and nothing can be averaged out.
 *
 * @param key of {@link answerNoiseKey}
 * @param count logits
 */
export function answerNoise(key: Uint8Array, ciphertext: Uint8Array, count: number): Float64Array {
  // Key objects, as Node tells bytes from them by an exception, which takes longer than the rest.
  const seed = createHmac('sha256', createSecretKey(key)).update(ciphertext).digest();
  const stream = createCipheriv('aes-256-ctr', createSecretKey(seed), Buffer.alloc(16));
  const pairs = Math.ceil(count / 2);
  const bytes = stream.update(Buffer.alloc(2 * pairs * DOUBLE_BYTES));
  const noise = new Float64Array(2 * pairs);
  for (let pair = 0; pair < pairs; pair++) {
    // Box and Muller (1958): two independent ones from two uniform numbers, the first above zero.
    const radius = Math.sqrt(-2 * Math.log(1 - uniform(bytes, 2 * pair)));
    const angle = 2 * Math.PI * uniform(bytes, 2 * pair + 1);
    noise[2 * pair] = radius * Math.cos(angle);
    noise[2 * pair + 1] = radius * Math.sin(angle);
  }
  bytes.fill(0);
  seed.fill(0);
  return noise.subarray(0, count);
}

/** A number in [0, 1) with 53 random bits. */
function uniform(bytes: Buffer, index: number): number {
  const at = index * DOUBLE_BYTES;
  return (bytes.readUInt32LE(at) * 2 ** 21 + (bytes.readUInt32LE(at + 4) >>> 11)) / 2 ** 53;
}

/**
 * Bits about the secret key that one honest answer can tell at most, in the mean: the divergence of two normal distributions that lie a deviation apart, for
 * each logit. Answers add up, whatever pictures are chosen and however later ones depend on earlier answers.
 *
 * @param logits of the answer: regions × labels
 */
export function leakOfHonestAnswer(logits: number): number {
  return (logits * (DEVIATION_SHARE / NOISE_SHARE) ** 2) / (2 * Math.LN2);
}
