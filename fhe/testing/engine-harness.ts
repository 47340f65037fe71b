import type { Ciphertext } from '../ckks/ciphertext.ts';
import { digitCount, type EvaluationKeys, type KeySwitchKey } from '../ckks/evaluation-keys.ts';
import type { ParametersLiteral } from '../ckks/parameters.ts';
import { limbPrimes } from '../ckks/serialization.ts';
import { type Block, EngineContext } from '../engine/evaluator/context.ts';
import { type EngineKeys, Evaluator } from '../engine/evaluator/evaluator.ts';
import type { DigitRange } from '../engine/evaluator/key-switch.ts';
import type { RecordedTape } from '../engine/tape/tape.ts';
import type { KernelBuild } from '../engine/threads/kernel-module.ts';
import { loadKey } from './load-key.ts';
import { testRandom } from './parameters.ts';

export type HarnessOptions = {
  readonly threads?: number;
  readonly build?: KernelBuild;
  readonly digits?: DigitRange;
};

/** Single operations of the engine on ciphertexts in host memory: for tests and benchmarks. */
export class EngineHarness {
  readonly engine: EngineContext;
  readonly #digits: DigitRange;
  #keys: EngineKeys = { relinearization: null, rotations: new Map() };

  constructor(
    parameters: ParametersLiteral,
    { threads = 1, build = 'release', digits = 'centered' }: HarnessOptions = {},
  ) {
    this.engine = new EngineContext(parameters, { threads, build });
    this.#digits = digits;
  }

  loadKeys({ relinearization, rotations }: EvaluationKeys): void {
    this.#keys = {
      relinearization: relinearization === null ? null : loadKey(this.engine, relinearization),
      rotations: new Map([...rotations].map(([step, key]) => [step, loadKey(this.engine, key)])),
    };
  }

  upload({ size, level, residues }: Omit<Ciphertext, 'scale'>): Block {
    const block = this.engine.allocate(size, level);
    this.engine.write(block, residues);
    return block;
  }

  /** A weight: residues modulo Q, or Q·P where `special`, in Montgomery form. */
  uploadWeight(residues: Uint32Array, level: number, special: boolean): Block {
    const block = this.engine.allocate(2, level, special);
    this.engine.writeMontgomery(block, residues);
    return block;
  }

  prepare(record: (evaluator: Evaluator) => void): RecordedTape {
    const tape = this.engine.recorder();
    record(new Evaluator(this.engine, tape, this.#keys, { digits: this.#digits }));
    return tape.finish();
  }

  /** Records, runs and reads one result. */
  run(size: 2 | 3, level: number, record: (evaluator: Evaluator, out: Block) => void): Uint32Array {
    const out = this.engine.allocate(size, level);
    this.engine.pool.run(this.prepare((evaluator) => record(evaluator, out)));
    return this.engine.read(out);
  }

  close(): Promise<void> {
    return this.engine.close();
  }
}

/** Uniform residues: `size` polynomials of these primes. */
export function randomResidues(
  primes: readonly number[],
  degree: number,
  size: number,
  seed: number,
): Uint32Array {
  const next = testRandom(seed);
  const residues = new Uint32Array(size * primes.length * degree);
  for (let i = 0; i < residues.length; i++) {
    residues[i] = Math.floor(next() * primes[Math.floor(i / degree) % primes.length]!);
  }
  return residues;
}

/** A ciphertext of uniform residues: what every operation must be exact on. */
export function randomCiphertext(
  parameters: ParametersLiteral,
  level: number,
  seed: number,
  size: 2 | 3 = 2,
  scale = 2 ** 20,
): Ciphertext {
  const primes = limbPrimes(parameters, level);
  return { size, level, scale, residues: randomResidues(primes, parameters.ringDegree, size, seed) };
}

/** A key of uniform residues: it switches to nonsense, exactly. */
export function randomKey(parameters: ParametersLiteral, level: number, seed: number): KeySwitchKey {
  const primes = limbPrimes(parameters, level, 'QP');
  const digits = digitCount(parameters, level);
  return {
    level,
    b: randomResidues(primes, parameters.ringDegree, digits, seed),
    seed: new Uint8Array(32).fill(seed & 255),
  };
}
