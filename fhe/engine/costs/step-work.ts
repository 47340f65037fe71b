import type { Register } from '../../program/program.ts';
import type { VerifiedProgram } from '../../program/verifier.ts';
import type { Step } from '../interpreter/plan.ts';
import { addWork, type OperationWork, type Work } from './operation-work.ts';

/** The work of one step, counted as `recorder.ts` records it. */
export function stepWork(step: Step, { registers }: VerifiedProgram, work: OperationWork): Work {
  const levelOf = (register: Register): number => registers.get(register)!.level;
  switch (step.op) {
    case 'inner':
      return work.weighted(levelOf(step.out), step.terms.length);
    case 'rotate-inner':
    case 'rotate-inner-relinearize': {
      const level = levelOf(step.terms[0]!.source);
      const turning = step.terms.filter((term) => term.step !== 0);
      const sources = new Set(turning.map((term) => term.source)).size;
      const sum = work.rotatedSum(level, step.terms.length, turning.length, sources);
      const { size, level: below } = registers.get(step.out)!;
      if (step.op === 'rotate-inner-relinearize')
        return addWork(sum, work.relinearizeTimesP(level, below < level));
      return addWork(sum, work.divide(below + 1, size, work.alpha + level - below));
    }
    case 'relinearize':
      return work.relinearize(levelOf(step.source));
    case 'relinearize-rescale':
      return work.relinearizeRescale(levelOf(step.source));
    case 'rotate-all':
      return work.rotations(levelOf(step.source), step.rotations.length);
    case 'add-rotated':
      return work.addRotated(levelOf(step.source), step.step !== 0);
    case 'finish-rotated':
      return work.finishRotated(levelOf(step.out) + 1);
    case 'fold':
      return work.fold(levelOf(step.source), step.steps.length);
    case 'square':
      return work.inner(levelOf(step.source), 1);
    case 'multiply':
      return work.inner(levelOf(step.left), 1);
    case 'rescale':
      return work.rescale(levelOf(step.source));
    case 'add':
    case 'add-constant':
    case 'drop-level':
    case 'copy':
      return work.elementwise(levelOf(step.out));
    case 'switch-ring':
      return work.relinearize(0);
  }
}
