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
import type { Interpreter, InterpreterMaterial, RunResult } from '../../program/interpreter.ts';
import { pictureValues } from '../../program/picture-values.ts';
import type { Program, Register } from '../../program/program.ts';
import { checkKeys } from '../../program/requirements.ts';
import { type Block, EngineContext } from '../evaluator/context.ts';
import { Encryptor } from '../evaluator/encryptor.ts';
import type { EngineKeys } from '../evaluator/evaluator.ts';
import { loadKey } from '../evaluator/keys.ts';
import { RingSwitcher } from '../evaluator/ring-switcher.ts';
import { engineThreads } from '../threads/engine-threads.ts';
import type { KernelBuild } from '../threads/kernel-module.ts';
import { Lane, type RecordedLane } from './lane.ts';
import { planProgram } from './plan.ts';
import { type EngineConstant, type ProgramMaterial, recordProgram } from './recorder.ts';
import type { SharedLane } from './second-lane.ts';

export type EngineOptions = {
  /** Threads that share the work, including the caller's; default: the machine's, at most 4. The answer does not depend on it. */
  readonly threads?: number;
  /** For tests: the kernel with assertions. */
  readonly build?: KernelBuild;
};

/** An interpreter that can let another thread work beside it on the same memory. */
export interface SharingInterpreter extends Interpreter {
  /** Room for one more picture at a time, for `createSecondLane`. Takes the memory of its registers; no run may be under way. */
  share(): SharedLane;
}

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
): Promise<SharingInterpreter> {
  const verified = material.program;
  const { parameters, program, requirements } = verified;
  const publicKey = decodePublicKey(parameters, material.publicKey);
  const keys = decodeEvaluationKeys(parameters, material.evaluationKeys);
  checkKeys(requirements, keys);
  const constants = decodeConstants(parameters, program.constants, material.constants);

  const engine = new EngineContext(parameters, { threads, build });
  try {
    const { resultRing } = program;
    const shared: SharedMaterial = {
      encryptor: new Encryptor(engine, publicKey),
      program: {
        ...{ engine, verified, plan: planProgram(program) },
        ringSwitcher:
          resultRing === undefined ? null : new RingSwitcher(engine, resultRing, keys.ringSwitch!),
        constants: loadConstants(engine, program, parameters, constants),
        keys: loadKeys(engine, keys),
      },
    };
    return new EngineInterpreter(shared, recordLane(shared, engine.pool.control));
  } catch (error) {
    await engine.close();
    throw error;
  }
}

/** What all lanes of an engine read. */
type SharedMaterial = { readonly encryptor: Encryptor; readonly program: ProgramMaterial };

type LaneInMemory = {
  readonly recorded: RecordedLane;
  /** By input of the program; none for one that is never encrypted. */
  readonly inputs: readonly Block[];
};

/** Records room and tapes for one picture at a time. @param control of the threads that will run them */
function recordLane({ encryptor, program: material }: SharedMaterial, control: number): LaneInMemory {
  const { engine, verified, plan } = material;
  const { program } = verified;
  const registers = new Map<Register, Block>();
  const inputs: Block[] = [];
  for (const { input, register } of plan.inputs) {
    const block = engine.allocate(2, program.inputs[input]!.level);
    registers.set(register, block);
    inputs[input] = block;
  }
  const encryption = engine.recorder(control);
  const used = plan.inputs.map(({ input }) => input);
  const picture = encryptor.record(
    encryption,
    used.map((input) => program.inputs[input]!),
    used.map((input) => inputs[input]!),
    pictureValues(program),
  );
  const { tape: evaluation, answer: residues } = recordProgram(material, registers, engine.recorder(control));
  // Another lane must not find room in this one's registers.
  engine.arena.keepReturned();
  const { size, level, scale } = verified.registers.get(verified.output)!;
  const { moduli, specialModuli, ringDegree } = verified.resultParameters;
  const recorded: RecordedLane = {
    ...{ control, picture, encryption: encryption.finish(), evaluation, residues },
    shape: {
      picture: program.picture,
      ...(program.regions !== undefined && { regions: program.regions }),
    },
    answer: {
      parameters: { ringDegree, moduli, specialModuli },
      compact: program.resultRing !== undefined,
      ...{ size, level, scale },
    },
  };
  return { recorded, inputs };
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

class EngineInterpreter implements SharingInterpreter {
  readonly kind = 'engine';
  readonly #material: SharedMaterial;
  readonly #lane: Lane;
  readonly #inputs: readonly Block[];

  constructor(material: SharedMaterial, { recorded, inputs }: LaneInMemory) {
    const { engine } = material.program;
    this.#material = material;
    this.#lane = new Lane(engine.arena.memory, engine.pool, recorded);
    this.#inputs = inputs;
  }

  get #engine(): EngineContext {
    return this.#material.program.engine;
  }

  /** Bytes of wasm memory: constant from the first frame on. */
  get memoryBytes(): number {
    return this.#engine.arena.memory.buffer.byteLength;
  }

  run(values: Float32Array, seed?: Uint8Array, threads?: number): RunResult {
    return this.#lane.run(values, seed, threads);
  }

  runEncrypted(inputs: readonly Uint8Array[]): Uint8Array {
    const { program, parameters } = this.#material.program.verified;
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
    return this.#lane.evaluate();
  }

  share(): SharedLane {
    const { recorded } = recordLane(this.#material, this.#engine.control());
    return { memory: this.#engine.arena.memory, recorded };
  }

  close(): Promise<void> {
    return this.#engine.close();
  }
}
