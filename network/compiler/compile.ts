import { NetworkError } from '#network/errors.ts';
import type { Graph } from '#network/model/graph.ts';
import { compileGeneral } from './compile-general.ts';
import { planGraph } from './compile-steps.ts';
import type { CompiledNetwork, CompileOptions, CompileReport } from './compiled-network.ts';
import { checkRegions } from './emit/regions.ts';
import { registerSizes, scaledRegisters } from './lowering/steps.ts';
import type { PlanProgress } from './packing/refine-layouts.ts';

/**
 * Compiles a network into a ciphertext program and the constants that its owner encrypts. Nothing in the program depends on a
 * trained weight or on calibration: layouts follow the graph's structure, and scales are the same for all.
 *
 * @throws NetworkError where the graph cannot be lowered (see `lowerSteps`), is too deep or too large, or the options do not
 * fit it.
 */
export function compileNetwork(graph: Graph, options: CompileOptions): CompiledNetwork {
  const { regions = 1 } = options;
  checkRegions(regions);
  const planned = planGraph(graph, { regions });
  // First without weights, which may be tens of gigabytes.
  refuseBeyondMemory(compileGeneral(planned, options, true).report);
  return compileGeneral(planned, options);
}

/** What WebAssembly can address. */
const MOST_MEMORY_BYTES = 2 ** 32;

function refuseBeyondMemory({ memoryBytes }: CompileReport): void {
  if (memoryBytes <= MOST_MEMORY_BYTES) return;
  throw new NetworkError(
    'NETWORK_TOO_LARGE',
    `the engine would need ${(memoryBytes / 1e9).toFixed(1)} GB, more than the 4 GB that WebAssembly can address; use fewer maps, units or layers (\`blindsight explain\` says what takes them)`,
  );
}

/**
 * The program that `compileNetwork` would write, without calibration and weights: to see what protection will cost before anything else is
 * done.
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
  const planned = planGraph(graph, { regions, ...(onProgress && { onProgress }) });
  const options: CompileOptions = {
    name,
    labels: Array.from({ length: registerSizes(planned.network).at(-1)! }, (_, i) => String(i)),
    activationRanges: scaledRegisters(planned.network).map(() => 1),
    logitRange: 1,
    regions,
  };
  return compileGeneral(planned, options, true);
}
