/**
 * The door of encrypted arithmetic: everything that a gateway needs, and what its owner shares with it. Keys and decryption are behind
 * `#fhe/secret`, what only the design of programs takes behind `#fhe/design`. Nobody outside imports anything deeper.
 */

export { assertNever } from './assert-never.ts';
export type { ByteSource } from './ckks/byte-source.ts';
export { evaluationKeysBytes } from './ckks/evaluation-keys.ts';
export { Gathering } from './ckks/gathering.ts';
export {
  checkParameters,
  findPrimes,
  MAX_LOG_QP,
  type Parameters,
  type ParametersLiteral,
} from './ckks/parameters.ts';
export { ringSwitchPrime } from './ckks/ring-switch-key.ts';
export {
  createEngineInterpreter,
  type MemoryUse,
  type SharingInterpreter,
} from './engine/interpreter/engine.ts';
export { createSecondLane, type SharedLane } from './engine/interpreter/second-lane.ts';
export { FheError } from './errors.ts';
export { answerFormOf } from './program/answer-form-of.ts';
export { answerPlaces } from './program/answer-places.ts';
export { decodeProgram, encodeProgram } from './program/codec.ts';
export { copiesOf } from './program/copies-of.ts';
export type { Interpretation } from './program/interpretation.ts';
export type { Interpreter, InterpreterMaterial, RunResult, RunTimings } from './program/interpreter.ts';
export { outputsOf } from './program/outputs-of.ts';
export { packInputs } from './program/pack-inputs.ts';
export { pictureValues } from './program/picture-values.ts';
export type {
  Instruction,
  PictureShape,
  Program,
  ProgramConstant,
  ProgramInput,
  Register,
  ResultRing,
} from './program/program.ts';
export { createReferenceInterpreter } from './program/reference.ts';
export { programVersion } from './program/rotated-sums.ts';
export { ProgramLimits, type VerifiedProgram, verifyProgram } from './program/verifier.ts';
