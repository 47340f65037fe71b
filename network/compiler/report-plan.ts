import { checkParameters } from '#fhe';
import type { CompileReport, StageReport } from './compiled-network.ts';
import type { WrittenProgram } from './emit/write-program.ts';
import { registerSizes } from './lowering/steps.ts';
import type { PlannedNetwork } from './packing/plan-network.ts';

function reportStages({ network, plan }: PlannedNetwork): StageReport[] {
  const sizes = registerSizes(network);
  return [...plan.linear].map(([i, { level, output, schedule, patches }]) => {
    const step = network.steps[i]!;
    const sources = step.kind === 'linear' ? step.terms.map(({ source }) => source) : [];
    return {
      inputs: sources.reduce((sum, source) => sum + sizes[source]!, 0),
      outputs: sizes[i + 1]!,
      plan: schedule.products === 0 ? 'patches' : schedule.kind,
      level,
      rotations: schedule.rotations + output.ciphertexts * (patches?.steps.length ?? 0),
      products: schedule.products + output.ciphertexts * (patches?.patches ?? 0) * (patches?.blocks ?? 0),
      layout: output.name,
      ciphertexts: output.ciphertexts,
    };
  });
}

/** Reports the cost of a planned network, and its linear steps one by one. */
export function reportPlan(planned: PlannedNetwork, { verified }: WrittenProgram): CompileReport {
  const stages = reportStages(planned);
  return {
    ringDegree: planned.literal.ringDegree,
    logQP: checkParameters(planned.literal).logQP,
    levels: planned.literal.moduli.length,
    inputs: verified.program.inputs.length,
    constants: verified.program.constants.length,
    rotations: stages.reduce((sum, { rotations }) => sum + rotations, 0),
    memoryBytes: verified.memoryBytes,
    stages,
  };
}
