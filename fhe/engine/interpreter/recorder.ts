import { assertNever } from '../../assert-never.ts';
import { foldRounds } from '../../program/fold-rounds.ts';
import type { Register } from '../../program/program.ts';
import type { VerifiedProgram } from '../../program/verifier.ts';
import { normalizeStep } from '../../ring/automorphism.ts';
import type { Block, EngineContext } from '../evaluator/context.ts';
import { type EngineKeys, Evaluator } from '../evaluator/evaluator.ts';
import type { RingSwitcher } from '../evaluator/ring-switcher.ts';
import type { RecordedTape, TapeRecorder } from '../tape/tape.ts';
import { lastReads, type Plan, readBy, type Step, writtenBy } from './plan.ts';

/** Constants in wasm memory: `factor` in Montgomery form for products, `addend` in plain form. */
export type EngineConstant = { readonly factor: Block | null; readonly addend: Block | null };

/** A recorded evaluation: inputs are written to `inputs`, the answer is read afterwards. */
export type RecordedProgram = {
  readonly tape: RecordedTape;
  /** The residues of the answer of the last run. */
  readonly read: () => Uint32Array;
};

/**
 * Records the steps of a plan. Every register gets a block, which is reused after its last reader.
 *
 * @param ringSwitcher for a program with a result ring.
 * @param inputs blocks of the encrypted inputs, by register; written before every run, and reused like all others.
 */
export function recordProgram(
  engine: EngineContext,
  verified: VerifiedProgram,
  plan: Plan,
  inputs: ReadonlyMap<Register, Block>,
  constants: readonly EngineConstant[],
  keys: EngineKeys,
  ringSwitcher: RingSwitcher | null,
): RecordedProgram {
  const recorder = new ProgramRecorder({ engine, verified, inputs, constants, keys, ringSwitcher });
  return recorder.record(plan);
}

type Material = {
  readonly engine: EngineContext;
  readonly verified: VerifiedProgram;
  readonly inputs: ReadonlyMap<Register, Block>;
  readonly constants: readonly EngineConstant[];
  readonly keys: EngineKeys;
  readonly ringSwitcher: RingSwitcher | null;
};

class ProgramRecorder {
  readonly #material: Material;
  readonly #tape: TapeRecorder;
  readonly #evaluator: Evaluator;
  readonly #blocks: Map<Register, Block>;

  constructor(material: Material) {
    this.#material = material;
    this.#tape = material.engine.recorder();
    this.#evaluator = new Evaluator(material.engine, this.#tape, material.keys);
    this.#blocks = new Map(material.inputs);
  }

  record({ steps }: Plan): RecordedProgram {
    const { engine, verified, ringSwitcher } = this.#material;
    const last = lastReads(steps);
    last.set(verified.output, Number.POSITIVE_INFINITY);
    steps.forEach((step, index) => {
      this.#step(step);
      this.#release(step, (register) => (last.get(register) ?? -1) <= index);
    });
    const tape = this.#tape.finish();
    if (ringSwitcher !== null) return { tape, read: () => ringSwitcher.read() };
    const answer = this.#read(verified.output);
    return { tape, read: () => engine.read(answer) };
  }

  #release(step: Step, isOver: (register: Register) => boolean): void {
    for (const register of new Set([...readBy(step), ...writtenBy(step)])) {
      const block = this.#blocks.get(register);
      if (block === undefined || !isOver(register)) continue;
      this.#material.engine.release(block);
      this.#blocks.delete(register);
    }
  }

  #read(register: Register): Block {
    return this.#blocks.get(register)!;
  }

  #make(register: Register): Block {
    const { size, level } = this.#material.verified.registers.get(register)!;
    const block = this.#material.engine.allocate(size, level);
    this.#blocks.set(register, block);
    return block;
  }

  #weight(constant: number): Block {
    return this.#material.constants[constant]!.factor!;
  }

  #normalize(step: number): number {
    return normalizeStep(step, this.#material.verified.parameters.ringDegree);
  }

  #step(step: Step): void {
    const evaluator = this.#evaluator;
    switch (step.op) {
      case 'inner': {
        const terms = step.terms.map(({ source, constant }) => ({
          source: this.#read(source),
          weight: this.#weight(constant),
        }));
        evaluator.inner(this.#make(step.out), terms);
        break;
      }
      case 'rotate-inner':
      case 'rotate-inner-relinearize': {
        const terms = step.terms.map(({ source, step: by, constant }) => ({
          source: this.#read(source),
          step: this.#normalize(by),
          weight: this.#weight(constant),
        }));
        evaluator.rotateInner(this.#make(step.out), terms);
        break;
      }
      case 'rotate-all':
        this.#rotations(step);
        break;
      case 'fold':
        this.#fold(step.out, this.#read(step.source), step.steps);
        break;
      case 'square':
        evaluator.square(this.#make(step.out), this.#read(step.source));
        break;
      case 'multiply':
        evaluator.multiply(this.#make(step.out), this.#read(step.left), this.#read(step.right));
        break;
      case 'add':
        evaluator.add(this.#make(step.out), this.#read(step.left), this.#read(step.right));
        break;
      case 'add-constant': {
        const { addend } = this.#material.constants[step.constant]!;
        evaluator.add(this.#make(step.out), this.#read(step.source), addend!);
        break;
      }
      case 'relinearize':
      case 'relinearize-rescale':
        evaluator.relinearize(this.#make(step.out), this.#read(step.source));
        break;
      case 'rescale':
        evaluator.rescale(this.#make(step.out), this.#read(step.source));
        break;
      case 'drop-level':
      case 'copy':
        evaluator.dropLevel(this.#make(step.out), this.#read(step.source));
        break;
      case 'switch-ring':
        // Always the last step: the switcher holds the answer.
        this.#material.ringSwitcher!.record(this.#tape, this.#read(step.source));
        break;
      default:
        assertNever(step);
    }
  }

  #rotations({ source, rotations }: Extract<Step, { op: 'rotate-all' }>): void {
    const [only] = rotations;
    if (rotations.length === 1) {
      this.#evaluator.rotate(this.#make(only!.out), this.#read(source), only!.step);
      return;
    }
    const outs = rotations.map(({ out }) => this.#make(out));
    const steps = rotations.map(({ step }) => step);
    this.#evaluator.rotateHoisted(outs, this.#read(source), steps);
  }

  /** Sums go back and forth between two blocks. */
  #fold(out: Register, source: Block, steps: readonly number[]): void {
    const { engine } = this.#material;
    const { level } = source;
    const made: Block[] = [];
    let sum = source;
    const rounds = foldRounds(steps.map((step) => this.#normalize(step)))
      .map((round) => round.map((step) => this.#normalize(step)))
      // A rotation by zero needs no key: such a round is split into single steps.
      .flatMap((round) => (round.includes(0) ? round.slice(0, 2).map((step) => [step]) : [round]));
    rounds.forEach((round, index) => {
      const to = index === rounds.length - 1 ? this.#make(out) : engine.allocate(2, level);
      if (index < rounds.length - 1) made.push(to);
      if (round[0] === 0) this.#evaluator.add(to, sum, sum);
      else this.#evaluator.foldRound(to, sum, round);
      if (index > 0) engine.release(made[index - 1]!);
      sum = to;
    });
  }
}
