import { type AnswerForm, createAnswerForm } from '../../ckks/answer.ts';
import type { ParametersLiteral } from '../../ckks/parameters.ts';
import type { RunResult } from '../../program/interpreter.ts';
import { checkPicture } from '../../program/pack-inputs.ts';
import type { PictureShape } from '../../program/program.ts';
import { type ResiduePlace, readResidues } from '../evaluator/context.ts';
import { type EncryptionPlace, supplyPicture } from '../evaluator/encryptor.ts';
import type { RecordedTape } from '../tape/tape.ts';
import type { KernelPool } from '../threads/pool.ts';
import type { WindowReader } from '../window/window-reader.ts';

/** Room for one picture at a time, and the tapes that work on it: addresses only, the same in every thread that has the memory. */
export type RecordedLane = {
  /** Of the threads that the tapes were recorded for. */
  readonly control: number;
  readonly shape: { readonly picture: PictureShape; readonly regions?: number };
  readonly picture: EncryptionPlace;
  readonly encryption: RecordedTape;
  readonly evaluation: RecordedTape;
  readonly residues: ResiduePlace;
  readonly answer: {
    readonly parameters: ParametersLiteral;
    readonly compact: boolean;
    readonly size: 2 | 3;
    readonly level: number;
    readonly scale: number;
  };
};

/** Runs one picture after the other on a recorded lane. */
export class Lane {
  readonly #memory: WebAssembly.Memory;
  readonly #pool: KernelPool;
  readonly #recorded: RecordedLane;
  readonly #form: AnswerForm;
  readonly #reader: WindowReader | null;

  /** @param reader of what the evaluation reads from disk. */
  constructor(
    memory: WebAssembly.Memory,
    pool: KernelPool,
    recorded: RecordedLane,
    reader: WindowReader | null = null,
  ) {
    this.#reader = reader;
    this.#memory = memory;
    this.#pool = pool;
    this.#recorded = recorded;
    this.#form = createAnswerForm(recorded.answer.parameters, recorded.answer.compact);
  }

  /** As `run` of an interpreter. */
  run(values: Float32Array, seed?: Uint8Array, threads?: number): RunResult {
    const { shape, picture, encryption } = this.#recorded;
    const start = performance.now();
    checkPicture(shape, values);
    supplyPicture(this.#memory, picture, values, seed);
    this.#pool.run(encryption, threads);
    const encrypted = performance.now();
    const ciphertext = this.evaluate(threads);
    return {
      ciphertext,
      timings: { encryptMs: encrypted - start, evaluateMs: performance.now() - encrypted },
    };
  }

  /** @returns the answer for what is encrypted in the lane's inputs */
  evaluate(threads?: number): Uint8Array {
    const { evaluation, residues, answer } = this.#recorded;
    if (this.#reader === null) this.#pool.run(evaluation, threads);
    else this.#runBeside(this.#reader, evaluation, threads);
    const { size, level, scale } = answer;
    return this.#form.encode({ size, level, scale, residues: readResidues(this.#memory, residues) });
  }
  #runBeside(reader: WindowReader, tape: RecordedTape, threads?: number): void {
    reader.begin(tape);
    try {
      this.#pool.run(tape, threads);
    } catch (error) {
      reader.check();
      throw error;
    } finally {
      reader.end();
    }
  }
}
