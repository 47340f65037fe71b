import type { VerifiedProgram } from '#fhe';
import { NetworkError } from '#network/errors.ts';
import type { Graph } from '#network/model/graph.ts';
import { checkOptions } from './check-options.ts';
import { checkRegions } from './check-regions.ts';
import { ACTIVATION_PEAK, LOGIT_HEADROOM, SLOT_TOLERANCE } from './compile-limits.ts';
import type { CompiledNetwork, CompileOptions } from './compiled-network.ts';
import { fillConstants } from './emit/fill-constants.ts';
import { writeProgram } from './emit/write-program.ts';
import { balanceSteps } from './lowering/balance-steps.ts';
import { lowerSteps } from './lowering/lower-steps.ts';
import type { PlanProgress } from './packing/layout-problem.ts';
import { planNetwork } from './packing/plan-network.ts';
import { reportPlan } from './report-plan.ts';

/**
 * Compiles a network into a ciphertext program and the constants that its owner encrypts. One line of passes: lower, balance, plan, write,
 * fill. Nothing in the program depends on a trained weight or on calibration: plan and program look at neither, layouts follow the
 * graph's structure, and scales are the same for all networks.
 *
 * @throws NetworkError if the graph cannot be lowered (see `lowerSteps`), is too deep or too large, or does not fit the options.
 */
export function compileNetwork(graph: Graph, options: CompileOptions): CompiledNetwork {
  const { activationRanges, logitRange, name = graph.name, regions = 1, picture } = options;
  checkRegions(regions);
  const lowered = lowerSteps(graph);
  checkOptions(lowered, options);
  const range = LOGIT_HEADROOM * logitRange;
  const balanced = balanceSteps(lowered, activationRanges, ACTIVATION_PEAK, range);
  const planned = planNetwork(balanced, { regions });
  const written = writeProgram(planned, name, picture);
  const { verified, recipes, expected } = written;
  refuseBeyondMemory(verified);
  const constants = fillConstants(recipes, planned);
  return {
    program: verified.program,
    verified,
    constants,
    interpretation: {
      ...meaningOf(options),
      ...(regions > 1 && { regions }),
      expected,
      unit: range,
      range,
      tolerance: range * SLOT_TOLERANCE,
    },
    report: reportPlan(planned, written),
  };
}

/** What the outputs mean, in the words of an interpretation. */
function meaningOf({ labels, task, map, decoding }: CompileOptions) {
  return {
    labels,
    ...(task !== undefined && task !== 'classification' && { task }),
    ...(map && { map }),
    ...(decoding && { decoding }),
  };
}

/** What stands in for a time constant that is not known yet: it changes nothing of the cost. */
const ANY_MOTION = { motion: { seconds: 1 } };

/** The address space of WebAssembly. */
const MOST_MEMORY_BYTES = 2 ** 32;

function refuseBeyondMemory({ memoryBytes }: VerifiedProgram): void {
  if (memoryBytes <= MOST_MEMORY_BYTES) return;
  throw new NetworkError(
    'NETWORK_TOO_LARGE',
    `the engine would need ${(memoryBytes / 1e9).toFixed(1)} GB, more than the 4 GB that WebAssembly can address; use fewer maps, units or layers (\`blindsight explain\` says what takes them)`,
  );
}

/**
 * The program that `compileNetwork` would write, before calibration: shows the cost of protection in advance. The same passes, except
 * those that read weights.
 *
 * @throws NetworkError as `compileNetwork`.
 */
export function sketchNetwork(
  graph: Graph,
  name: string,
  regions = 1,
  onProgress?: (progress: PlanProgress) => void,
): Pick<CompiledNetwork, 'program' | 'verified' | 'report'> {
  checkRegions(regions);
  const planned = planNetwork(lowerSteps(graph), { regions, ...(onProgress && { onProgress }) });
  const written = writeProgram(planned, name, ANY_MOTION);
  const { verified } = written;
  return { program: verified.program, verified, report: reportPlan(planned, written) };
}
