import { assertNever } from '../../assert-never.ts';
import { foldRounds } from '../../program/fold-rounds.ts';
import type { Register } from '../../program/program.ts';
import type { VerifiedProgram } from '../../program/verifier.ts';
import { normalizeStep } from '../../ring/automorphism.ts';
import type { Block, EngineContext, ResiduePlace } from '../evaluator/context.ts';
import { type EngineKeys, Evaluator } from '../evaluator/evaluator.ts';
import type { RingSwitcher } from '../evaluator/ring-switcher.ts';
import type { RotatedSum } from '../evaluator/rotated-sum.ts';
import type { Weight } from '../evaluator/weight.ts';
import type { RecordedTape, TapeRecorder } from '../tape/tape.ts';
import type { Window } from '../window/window.ts';
import { lastReads, type Plan, readBy, type Step, writtenBy } from './plan.ts';

/** Constants in memory, or on their way through the window: `factor` in Montgomery form for products, `addend` in plain form. */
export type EngineConstant = { readonly factor: Weight | null; readonly addend: Block | null };

/** A recorded evaluation: inputs are written to `inputs`, the answer is read afterwards. */
export type RecordedProgram = {
  readonly tape: RecordedTape;
  /** Where the answer is after a run. */
  readonly answer: ResiduePlace;
};

/** What a program needs besides its inputs: read only, so that several recorded programs share it. */
export type ProgramMaterial = {
  readonly engine: EngineContext;
  readonly verified: VerifiedProgram;
  readonly plan: Plan;
  readonly constants: readonly EngineConstant[];
  readonly keys: EngineKeys;
  /** Through which the material comes that is not in memory; it serves one recorded program only. */
  readonly window: Window | null;
  /** For a program with a result ring. */
  readonly ringSwitcher: RingSwitcher | null;
};

/**
 * Records the steps of a plan. Every register gets a block, which is reused after its last reader.
 *
 * @param inputs blocks of the encrypted inputs, by register; written before every run, and reused like all others.
 * @param tape of the threads that will run it.
 */
export function recordProgram(
  material: ProgramMaterial,
  inputs: ReadonlyMap<Register, Block>,
  tape: TapeRecorder,
): RecordedProgram {
  return new ProgramRecorder(material, inputs, tape).record();
}

class ProgramRecorder {
  readonly #material: ProgramMaterial;
  readonly #tape: TapeRecorder;
  readonly #evaluator: Evaluator;
  readonly #blocks: Map<Register, Block>;
  readonly #sums = new Map<Register, RotatedSum>();
  #answer: ResiduePlace | null = null;

  constructor(material: ProgramMaterial, inputs: ReadonlyMap<Register, Block>, tape: TapeRecorder) {
    this.#material = material;
    this.#tape = tape;
    this.#evaluator = new Evaluator(material.engine, this.#tape, material.keys, {
      window: material.window,
    });
    this.#blocks = new Map(inputs);
  }

  record(): RecordedProgram {
    const { engine, verified, plan } = this.#material;
    const { steps } = plan;
    const last = lastReads(steps);
    last.set(verified.output, Number.POSITIVE_INFINITY);
    steps.forEach((step, index) => {
      this.#step(step);
      this.#release(step, (register) => (last.get(register) ?? -1) <= index);
    });
    const tape = this.#tape.finish();
    return { tape, answer: this.#answer ?? engine.place(this.#read(verified.output)) };
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

  #weight(constant: number): Weight {
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
      case 'add-rotated': {
        const source = this.#read(step.source);
        const sum = this.#sums.get(step.sum) ?? evaluator.rotatedSum(source.level, source.size === 2 ? 2 : 3);
        this.#sums.set(step.sum, sum);
        evaluator.addRotated(sum, source, step.step);
        break;
      }
      case 'finish-rotated':
        evaluator.finishRotated(this.#make(step.out), this.#sums.get(step.out)!);
        this.#sums.delete(step.out);
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
        // Always the last step: what it makes is the answer.
        this.#answer = this.#material.ringSwitcher!.record(this.#tape, this.#read(step.source));
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
