import { evaluationKeysBytes } from '../../ckks/evaluation-keys.ts';
import { constantsBytes } from '../../ckks/serialization.ts';
import { answerFormOf } from '../../program/answer-form-of.ts';
import type { VerifiedProgram } from '../../program/verifier.ts';
import { countOperations, type OperationCounts } from './count-operations.ts';

/** Cost of a program apart from time: operations and bytes. */
export type ProgramCost = OperationCounts & {
  readonly bytes: {
    readonly constants: number;
    readonly evaluationKeys: number;
    /** The answer on the wire. */
    readonly result: number;
    /** Estimate of peak memory, see `VerifiedProgram`. */
    readonly memory: number;
  };
};

/** Counts the cost of a program. */
export function estimateCost(verified: VerifiedProgram): ProgramCost {
  const { program, parameters, requirements, registers, output, memoryBytes } = verified;
  return {
    ...countOperations(program.instructions, parameters.ringDegree),
    bytes: {
      constants: constantsBytes(parameters, program.constants),
      evaluationKeys: evaluationKeysBytes(parameters, requirements),
      result: answerFormOf(verified).bytes(registers.get(output)!.level, registers.get(output)!.size),
      memory: memoryBytes,
    },
  };
}
