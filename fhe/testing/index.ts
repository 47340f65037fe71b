/** The door for tests and benchmarks of other rooms: programs and parameters to try, and the parts that they compare or take to pieces. */

export { createAnswerForm } from '../ckks/answer.ts';
export type { Ciphertext } from '../ckks/ciphertext.ts';
export { createEncoder } from '../ckks/encoder.ts';
export { decodeEvaluationKeys, digitCount, encodeEvaluationKeys } from '../ckks/evaluation-keys.ts';
export { createRingSwitch } from '../ckks/ring-switch.ts';
export { ringSwitchResidues } from '../ckks/ring-switch-key.ts';
export {
  decodeCiphertext,
  decodeConstants,
  decodePublicKey,
  encodeCiphertext,
  encodeConstants,
  encodePublicKey,
  encodeSeededCiphertext,
  expandCiphertext,
  type SeededCiphertext,
} from '../ckks/serialization.ts';
export { Encryptor, supplyPicture } from '../engine/evaluator/encryptor.ts';
export type { Evaluator } from '../engine/evaluator/evaluator.ts';
export type { RecordedTape } from '../engine/tape/tape.ts';
export { encodePlainConstants, withPlainWeights } from '../program/plain-weights.ts';
export { mulMod } from '../ring/modular.ts';
export { createRing } from '../ring/ring.ts';
export { createSealContext, type SealContext } from '../seal/context.ts';
export {
  toSealCiphertext,
  toSealGaloisKeys,
  toSealPublicKey,
  toSealRelinKeys,
} from '../seal/convert.ts';
export { SealScope } from '../seal/runtime.ts';
export { decodeSecretKey } from '../secret/secret-key.ts';
export { EngineHarness, randomCiphertext, randomKey, randomResidues } from './engine-harness.ts';
export { testParameters, worstError } from './parameters.ts';
export {
  makeMaterial,
  repeatingProgram,
  type TestProgram,
  testPicture,
  testPrograms,
  wideProgram,
} from './programs.ts';
