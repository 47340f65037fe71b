import { checkParameters, type Program, verifyProgram } from '#fhe';
import { NetworkError } from '#network/errors.ts';
import { ACTIVATION_PEAK, LOGIT_HEADROOM, pictureShape, SLOT_TOLERANCE } from './compile-limits.ts';
import { type PlannedNetwork, writeSteps } from './compile-steps.ts';
import type { CompiledNetwork, CompileOptions } from './compiled-network.ts';
import { balanceSteps } from './lowering/balance-steps.ts';
import { registerSizes, type StepNetwork, scaledRegisters } from './lowering/steps.ts';
import { refuseBeyondLimits } from './program-limits.ts';

/** Checks what the owner says about a network against it. @throws NetworkError NETWORK_DATA. */
function checkOptions(network: StepNetwork, options: CompileOptions): void {
  const classes = registerSizes(network).at(-1)!;
  if (options.labels.length !== classes)
    throw new NetworkError('NETWORK_DATA', `${options.labels.length} labels for ${classes} outputs`);
  if (!(options.logitRange > 0) || !Number.isFinite(options.logitRange))
    throw new NetworkError('NETWORK_DATA', `logit range ${options.logitRange}: expected a positive number`);
  const ranges = options.activationRanges;
  const count = scaledRegisters(network).length;
  if (ranges.length !== count || ranges.some((range) => !(range > 0) || !Number.isFinite(range))) {
    throw new NetworkError(
      'NETWORK_DATA',
      `ranges [${ranges.join(', ')}]: expected ${count} positive numbers`,
    );
  }
}

/**
 * Writes a planned network.
 *
 * @param hollow leave the weights out: for the program alone.
 * @throws NetworkError as `compileNetwork`.
 */
export function compileGeneral(
  plan: PlannedNetwork,
  options: CompileOptions,
  hollow = false,
): CompiledNetwork {
  const { network, regions } = plan;
  checkOptions(network, options);
  const picture = pictureShape(network.pictureShape, options.picture?.light);
  const range = LOGIT_HEADROOM * options.logitRange;
  const balanced = hollow ? network : balanceSteps(network, options.activationRanges, ACTIVATION_PEAK, range);
  // Factors change no pattern, so the plan holds for the balanced network.
  const planned = { ...plan, network: balanced };
  const { emitter, answer } = writeSteps(planned, hollow);
  refuseBeyondLimits(emitter, network.pictureShape);
  const program: Program = {
    version: 1,
    name: options.name ?? network.name,
    parameters: planned.literal,
    ...(answer.resultRing && { resultRing: answer.resultRing }),
    picture,
    ...(regions > 1 && { regions }),
    inputs: emitter.inputs,
    constants: emitter.constants,
    instructions: emitter.instructions,
  };
  const verified = verifyProgram(program);
  return {
    program,
    verified,
    constants: emitter.values,
    interpretation: {
      labels: options.labels,
      ...(regions > 1 && { regions }),
      expected: answer.expected,
      unit: range,
      range,
      tolerance: range * SLOT_TOLERANCE,
    },
    report: {
      ringDegree: planned.literal.ringDegree,
      logQP: checkParameters(planned.literal).logQP,
      levels: planned.literal.moduli.length,
      inputs: emitter.inputs.length,
      constants: emitter.constants.length,
      rotations: stageReports(planned).reduce((sum, stage) => sum + stage.rotations, 0),
      memoryBytes: verified.memoryBytes,
      stages: stageReports(planned),
    },
  };
}

function stageReports({ network, plan }: PlannedNetwork): CompiledNetwork['report']['stages'] {
  const sizes = registerSizes(network);
  return [...plan.linear].map(([i, { level, output, schedule, patches }]) => {
    const step = network.steps[i]!;
    const sources = step.kind === 'linear' ? step.terms.map(({ source }) => source) : [];
    return {
      inputs: sources.reduce((sum, source) => sum + sizes[source]!, 0),
      outputs: sizes[i + 1]!,
      plan: schedule.products === 0 ? 'patches' : schedule.kind,
      level,
      rotations: schedule.rotations,
      products: schedule.products + output.ciphertexts * patches,
      layout: output.name,
      ciphertexts: output.ciphertexts,
    };
  });
}
