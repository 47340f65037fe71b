/** What only the owner holds: keys, encryption of weights, decryption, and what may be disclosed of a decrypted answer. */

export {
  answerNoise,
  answerNoiseKey,
  DEVIATION_SHARE,
  leakOfHonestAnswer,
  NOISE_SHARE,
} from './answer-noise.ts';
export { createDecryptor } from './decryptor.ts';
export { encryptConstants, encryptInputs } from './encrypt.ts';
export { makeEvaluationKeys } from './evaluation-keys.ts';
export { interpretSlots } from './interpret.ts';
export { keyBytes } from './key-bytes.ts';
export { createOwnerKeys, type OwnerKeys } from './owner-keys.ts';
export { type LabelAnswer, roundLabel } from './round-label.ts';
