import { assertNever } from '../../assert-never.ts';
import { foldRounds } from '../../program/fold-rounds.ts';
import type { Register } from '../../program/program.ts';
import type { VerifiedProgram } from '../../program/verifier.ts';
import { normalizeStep } from '../../ring/automorphism.ts';
import type { Block, EngineContext } from '../evaluator/context.ts';
import { type EngineKeys, Evaluator } from '../evaluator/evaluator.ts';
import type { RingSwitcher } from '../evaluator/ring-switcher.ts';
import type { RecordedTape } from '../tape/tape.ts';
import { lastReads, type Plan, readBy, type Step, writtenBy } from './plan.ts';

/** Constants in wasm memory: `factor` in Montgomery form for products, `addend` as they are. */
export type EngineConstant = { readonly factor: Block | null; readonly addend: Block | null };

/** A recorded evaluation: inputs are written to `inputs`, the answer is read afterwards. */
export type RecordedProgram = {
  readonly tape: RecordedTape;
  /** The residues of the answer of the last run. */
  readonly read: () => Uint32Array;
};

/**
 * Records the steps of a plan, giving every register a block that is reused after its last reader.
 *
 * @param ringSwitcher for a program with a result ring.
 * @param inputs blocks of the encrypted inputs, by register; written before every run, and reused like all others.
 */
export function recordProgram(
  engine: EngineContext,
  { registers, parameters, output }: VerifiedProgram,
  plan: Plan,
  inputs: ReadonlyMap<Register, Block>,
  constants: readonly EngineConstant[],
  keys: EngineKeys,
  ringSwitcher: RingSwitcher | null,
): RecordedProgram {
  const tape = engine.recorder();
  const evaluator = new Evaluator(engine, tape, keys);
  const blocks = new Map<Register, Block>(inputs);
  const last = lastReads(plan.steps);
  last.set(output, Number.POSITIVE_INFINITY);

  const read = (register: Register): Block => blocks.get(register)!;
  const make = (register: Register): Block => {
    const { size, level } = registers.get(register)!;
    const block = engine.allocate(size, level);
    blocks.set(register, block);
    return block;
  };
  const factor = (constant: number): Block => constants[constant]!.factor!;

  plan.steps.forEach((step, index) => {
    record(step);
    for (const register of new Set([...readBy(step), ...writtenBy(step)])) {
      const block = blocks.get(register);
      if (block === undefined || (last.get(register) ?? -1) > index) continue;
      engine.release(block);
      blocks.delete(register);
    }
  });
  const recorded = tape.finish();
  if (ringSwitcher !== null) return { tape: recorded, read: () => ringSwitcher.read() };
  const answer = read(output);
  return { tape: recorded, read: () => engine.read(answer) };

  function record(step: Step): void {
    switch (step.op) {
      case 'inner': {
        const terms = step.terms.map(({ source, constant }) => ({
          source: read(source),
          weight: factor(constant),
        }));
        evaluator.inner(make(step.out), terms);
        break;
      }
      case 'rotate-inner':
      case 'rotate-inner-relinearize': {
        const terms = step.terms.map(({ source, step: by, constant }) => ({
          source: read(source),
          step: normalizeStep(by, parameters.ringDegree),
          weight: factor(constant),
        }));
        evaluator.rotateInner(make(step.out), terms);
        break;
      }
      case 'rotate-all':
        recordRotations(step);
        break;
      case 'fold':
        recordFold(step.out, read(step.source), step.steps);
        break;
      case 'square':
        evaluator.square(make(step.out), read(step.source));
        break;
      case 'multiply':
        evaluator.multiply(make(step.out), read(step.left), read(step.right));
        break;
      case 'add':
        evaluator.add(make(step.out), read(step.left), read(step.right));
        break;
      case 'add-constant':
        evaluator.add(make(step.out), read(step.source), constants[step.constant]!.addend!);
        break;
      case 'relinearize':
      case 'relinearize-rescale':
        evaluator.relinearize(make(step.out), read(step.source));
        break;
      case 'rescale':
        evaluator.rescale(make(step.out), read(step.source));
        break;
      case 'drop-level':
      case 'copy':
        evaluator.dropLevel(make(step.out), read(step.source));
        break;
      case 'switch-ring':
        // Always the last step: the answer stays with the switcher.
        ringSwitcher!.record(tape, read(step.source));
        break;
      default:
        assertNever(step);
    }
  }

  function recordRotations({ source, rotations }: Extract<Step, { op: 'rotate-all' }>): void {
    const [only] = rotations;
    if (rotations.length === 1) {
      evaluator.rotate(make(only!.out), read(source), only!.step);
      return;
    }
    const outs = rotations.map(({ out }) => make(out));
    evaluator.rotateHoisted(
      outs,
      read(source),
      rotations.map(({ step }) => step),
    );
  }

  /** Sums go back and forth between two blocks. */
  function recordFold(out: Register, source: Block, steps: readonly number[]): void {
    const { level } = source;
    const made: Block[] = [];
    let sum = source;
    const rounds = foldRounds(steps.map((step) => normalizeStep(step, parameters.ringDegree)))
      .map((round) => round.map((step) => normalizeStep(step, parameters.ringDegree)))
      // A rotation by nothing needs no key: such a round is taken apart.
      .flatMap((round) => (round.includes(0) ? round.slice(0, 2).map((step) => [step]) : [round]));
    rounds.forEach((round, index) => {
      const to = index === rounds.length - 1 ? make(out) : engine.allocate(2, level);
      if (index < rounds.length - 1) made.push(to);
      if (round[0] === 0) evaluator.add(to, sum, sum);
      else evaluator.foldRound(to, sum, round);
      if (index > 0) engine.release(made[index - 1]!);
      sum = to;
    });
  }
}
