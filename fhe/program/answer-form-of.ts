import { type AnswerForm, createAnswerForm } from '../ckks/answer.ts';
import type { VerifiedProgram } from './verifier.ts';

/** How the answer of a program travels: compact, where it is in the small ring. */
export function answerFormOf({ program, resultParameters }: VerifiedProgram): AnswerForm {
  return createAnswerForm(resultParameters, program.resultRing !== undefined);
}
