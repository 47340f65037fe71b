import type { AnswerForm } from '../../ckks/answer.ts';
import { decodeEvaluationKeys, type EvaluationKeys } from '../../ckks/evaluation-keys.ts';
import type { Parameters } from '../../ckks/parameters.ts';
import {
  decodeCiphertext,
  decodeConstants,
  decodePublicKey,
  expandSecondHalf,
  type SeededCiphertext,
} from '../../ckks/serialization.ts';
import { FheError } from '../../errors.ts';
import { answerFormOf } from '../../program/answer-form-of.ts';
import type { Interpreter, InterpreterMaterial, RunResult } from '../../program/interpreter.ts';
import { checkPicture } from '../../program/pack-inputs.ts';
import { pictureValues } from '../../program/picture-values.ts';
import type { Program, Register } from '../../program/program.ts';
import { checkKeys } from '../../program/requirements.ts';
import type { VerifiedProgram } from '../../program/verifier.ts';
import { type Block, EngineContext } from '../evaluator/context.ts';
import { Encryptor } from '../evaluator/encryptor.ts';
import type { EngineKeys } from '../evaluator/evaluator.ts';
import { loadKey } from '../evaluator/keys.ts';
import { RingSwitcher } from '../evaluator/ring-switcher.ts';
import type { RecordedTape } from '../tape/tape.ts';
import { engineThreads } from '../threads/engine-threads.ts';
import type { KernelBuild } from '../threads/kernel-module.ts';
import { planProgram } from './plan.ts';
import { type EngineConstant, type RecordedProgram, recordProgram } from './recorder.ts';

export type EngineOptions = {
  /** Threads that share the work, including the caller's; default: the machine's, at most 4. The answer does not depend on it. */
  readonly threads?: number;
  /** For tests: the kernel with assertions. */
  readonly build?: KernelBuild;
};

/**
 * Binds a program to its material, using our kernel. Allocates all memory here: running frames allocates nothing.
 *
 * `run` and `runEncrypted` block their thread until the answer is there, so the interpreter belongs in a worker thread. They throw
 * FheError FHE_WORKER if a thread of the engine failed: run the frame again after the event loop has turned.
 *
 * @throws FheError as `createReferenceInterpreter`; FHE_TOO_LARGE if 4 GiB do not suffice.
 */
export async function createEngineInterpreter(
  material: InterpreterMaterial,
  { threads = engineThreads(), build = 'release' }: EngineOptions = {},
): Promise<Interpreter> {
  const verified = material.program;
  const { parameters, program, requirements } = verified;
  const publicKey = decodePublicKey(parameters, material.publicKey);
  const keys = decodeEvaluationKeys(parameters, material.evaluationKeys);
  checkKeys(requirements, keys);
  const constants = decodeConstants(parameters, program.constants, material.constants);

  const engine = new EngineContext(parameters, { threads, build });
  try {
    const plan = planProgram(program);
    const inputs = new Map<Register, Block>();
    const outs: Block[] = [];
    for (const { input, register } of plan.inputs) {
      const block = engine.allocate(2, program.inputs[input]!.level);
      inputs.set(register, block);
      outs[input] = block;
    }
    const encryptor = new Encryptor(engine, publicKey);
    const encryption = engine.recorder();
    const used = plan.inputs.map(({ input }) => input);
    encryptor.record(
      encryption,
      used.map((input) => program.inputs[input]!),
      used.map((input) => outs[input]!),
      pictureValues(program),
    );
    const recordedEncryption = encryption.finish();
    const { resultRing } = program;
    const ringSwitcher =
      resultRing === undefined ? null : new RingSwitcher(engine, resultRing, keys.ringSwitch!);
    const recorded = recordProgram(
      engine,
      verified,
      plan,
      inputs,
      loadConstants(engine, program, parameters, constants),
      loadKeys(engine, keys),
      ringSwitcher,
    );
    return new EngineInterpreter(engine, verified, encryptor, recordedEncryption, outs, recorded);
  } catch (error) {
    await engine.close();
    throw error;
  }
}

function loadKeys(engine: EngineContext, keys: EvaluationKeys): EngineKeys {
  return {
    relinearization: keys.relinearization === null ? null : loadKey(engine, keys.relinearization),
    rotations: new Map([...keys.rotations].map(([step, key]) => [step, loadKey(engine, key)])),
  };
}

function loadConstants(
  engine: EngineContext,
  program: Program,
  parameters: Parameters,
  constants: readonly SeededCiphertext[],
): EngineConstant[] {
  const factors = new Set<number>();
  const addends = new Set<number>();
  for (const instruction of program.instructions) {
    if (instruction.op === 'add-constant') addends.add(instruction.constant);
    if ('terms' in instruction) for (const term of instruction.terms) factors.add(term.constant);
  }
  return constants.map((constant, index) => {
    const { level, modulus, first } = constant;
    const second = expandSecondHalf(parameters, constant);
    const load = (montgomery: boolean): Block => {
      const block = engine.allocate(2, level, modulus === 'QP');
      engine.write(block, first);
      engine.write(block, second, 1);
      if (montgomery) engine.runOnce((tape) => engine.toMontgomery(tape, block));
      return block;
    };
    return {
      factor: factors.has(index) ? load(true) : null,
      addend: addends.has(index) ? load(false) : null,
    };
  });
}

class EngineInterpreter implements Interpreter {
  readonly kind = 'engine';
  readonly #engine: EngineContext;
  readonly #verified: VerifiedProgram;
  readonly #encryptor: Encryptor;
  readonly #encryption: RecordedTape;
  readonly #inputs: readonly Block[];
  readonly #recorded: RecordedProgram;
  readonly #form: AnswerForm;

  constructor(
    engine: EngineContext,
    verified: VerifiedProgram,
    encryptor: Encryptor,
    encryption: RecordedTape,
    inputs: readonly Block[],
    recorded: RecordedProgram,
  ) {
    this.#engine = engine;
    this.#verified = verified;
    this.#encryptor = encryptor;
    this.#encryption = encryption;
    this.#inputs = inputs;
    this.#recorded = recorded;
    this.#form = answerFormOf(verified);
  }

  /** Bytes of wasm memory: constant from the first frame on. */
  get memoryBytes(): number {
    return this.#engine.arena.memory.buffer.byteLength;
  }

  run(values: Float32Array, seed?: Uint8Array): RunResult {
    const start = performance.now();
    checkPicture(this.#verified.program, values);
    this.#encryptor.supply(values, seed);
    this.#engine.pool.run(this.#encryption);
    const encrypted = performance.now();
    const ciphertext = this.#evaluate();
    return {
      ciphertext,
      timings: { encryptMs: encrypted - start, evaluateMs: performance.now() - encrypted },
    };
  }

  runEncrypted(inputs: readonly Uint8Array[]): Uint8Array {
    const { program, parameters } = this.#verified;
    if (inputs.length !== program.inputs.length) {
      throw new FheError('FHE_RANGE', `${inputs.length} inputs: the program has ${program.inputs.length}`);
    }
    inputs.forEach((bytes, index) => {
      const { size, level, scale, residues } = decodeCiphertext(parameters, bytes);
      const expected = program.inputs[index]!;
      if (size !== 2 || level !== expected.level || scale !== expected.scale) {
        throw new FheError(
          'FHE_FORMAT',
          `input ${index} has another size, level or scale than the program says`,
        );
      }
      const block = this.#inputs[index];
      if (block !== undefined) this.#engine.write(block, residues);
    });
    return this.#evaluate();
  }

  #evaluate(): Uint8Array {
    const { tape, read } = this.#recorded;
    this.#engine.pool.run(tape);
    const { registers, output } = this.#verified;
    const { size, level, scale } = registers.get(output)!;
    return this.#form.encode({ size, level, scale, residues: read() });
  }

  close(): Promise<void> {
    return this.#engine.close();
  }
}
