import { NetworkError } from '#network/errors.ts';
import type { Graph } from '#network/model/graph.ts';
import { checkBiases } from './check-biases.ts';
import { checkOptions } from './check-options.ts';
import { checkRegions } from './check-regions.ts';
import { ACTIVATION_PEAK, LOGIT_HEADROOM, SLOT_TOLERANCE } from './compile-limits.ts';
import type { CompiledNetwork, CompileOptions } from './compiled-network.ts';
import { fillConstants } from './emit/fill-constants.ts';
import { type WrittenProgram, writeProgram } from './emit/write-program.ts';
import { balanceSteps } from './lowering/balance-steps.ts';
import { lowerSteps } from './lowering/lower-steps.ts';
import { mergePools } from './lowering/merge-pools.ts';
import { type StepNetwork, scaledRegisters } from './lowering/steps.ts';
import type { PlanProgress } from './packing/layout-problem.ts';
import { type PlannedNetwork, planNetwork } from './packing/plan-network.ts';
import { refuseTooLarge } from './refuse-too-large.ts';
import { reportPlan } from './report-plan.ts';

/**
 * Compiles a network into a ciphertext program and the constants that its owner encrypts. One line of passes: lower, balance, plan, write,
 * fill. Nothing in the program depends on a trained weight or on calibration: plan and program look at neither, layouts follow the
 * graph's structure, and scales are the same for all networks.
 *
 * @throws NetworkError if the graph cannot be lowered (see `lowerSteps`), is too deep or too large, or does not fit the options.
 */
export function compileNetwork(graph: Graph, options: CompileOptions): CompiledNetwork {
  const balanced = prepareSteps(graph, options);
  return fillDesign(designProgram(balanced, options), balanced, options);
}

/**
 * Compiles copies of a network that differ in the values of their weights only, such as fingerprints: plans and writes once, which is most of the
 * work, and fills each copy in. The result is that of {@link compileNetwork}.
 *
 * @param graph one of them
 * @throws NetworkError as `compileNetwork`; what is returned throws NETWORK_SHAPE for a network with other entries.
 */
export function compileCopies(graph: Graph, options: CompileOptions): (copy: Graph) => CompiledNetwork {
  const balanced = prepareSteps(graph, options);
  const design = designProgram(balanced, options);
  return (copy) => {
    const steps = prepareSteps(copy, options);
    if (!haveSameEntries(balanced, steps))
      throw new NetworkError('NETWORK_SHAPE', 'the copy has other entries than the network it is a copy of');
    return fillDesign(design, steps, options);
  };
}

/** What a network and its copies have in common. */
type Design = {
  readonly planned: PlannedNetwork;
  readonly written: WrittenProgram;
  /** Whether pools are in the matrices of the layers after them. */
  readonly isMerged: boolean;
};

function logitScale({ logitRange }: CompileOptions): number {
  return LOGIT_HEADROOM * logitRange;
}

/** The steps whose ranges are known: descriptions from before sums were kept have fewer. */
function lowerCalibrated(graph: Graph, ranges: number): StepNetwork {
  const fits = (network: StepNetwork) => scaledRegisters(network).length === ranges;
  const lowered = lowerSteps(graph);
  if (fits(lowered)) return lowered;
  const through = lowerSteps(graph, 'through');
  return fits(through) ? through : lowered;
}

function prepareSteps(graph: Graph, options: CompileOptions): StepNetwork {
  checkRegions(options.regions ?? 1);
  const lowered = lowerCalibrated(graph, options.activationRanges.length);
  checkOptions(lowered, options);
  return balanceSteps(lowered, options.activationRanges, ACTIVATION_PEAK, logitScale(options));
}

function designProgram(
  balanced: StepNetwork,
  { name = balanced.name, regions = 1, picture }: CompileOptions,
): Design {
  const planned = planNetwork(balanced, { regions });
  const written = writeProgram(planned, name, picture);
  refuseTooLarge(written.verified);
  return { planned, written, isMerged: planned.network !== balanced };
}

function fillDesign(
  { planned, written, isMerged }: Design,
  balanced: StepNetwork,
  options: CompileOptions,
): CompiledNetwork {
  const { regions = 1 } = options;
  const { verified, recipes, expected } = written;
  const network = isMerged ? mergePools(balanced) : balanced;
  const range = logitScale(options);
  const constants = fillConstants(recipes, { ...planned, network });
  checkBiases(verified.program, recipes, constants, options);
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

/** Whether layouts and recipes of one network fit another. */
function haveSameEntries(one: StepNetwork, other: StepNetwork): boolean {
  const same = (a: Int32Array, b: Int32Array) =>
    a.length === b.length && a.every((value, i) => value === b[i]);
  return (
    one.steps.length === other.steps.length &&
    one.steps.every((step, i) => {
      const twin = other.steps[i]!;
      if (step.kind !== 'linear' || twin.kind !== 'linear') return step.kind === twin.kind;
      return (
        step.terms.length === twin.terms.length &&
        step.terms.every(({ source, affine }, term) => {
          const { source: from, affine: entries } = twin.terms[term]!;
          return source === from && same(affine.start, entries.start) && same(affine.column, entries.column);
        })
      );
    })
  );
}

/** What stands in for a time constant that is not known yet: it changes nothing of the cost. */
const ANY_MOTION = { motion: { seconds: 1 } };

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
): Pick<CompiledNetwork, 'program' | 'verified' | 'report'> & { readonly planned: PlannedNetwork } {
  checkRegions(regions);
  const planned = planNetwork(lowerSteps(graph), { regions, ...(onProgress && { onProgress }) });
  const written = writeProgram(planned, name, ANY_MOTION);
  const { verified } = written;
  return { program: verified.program, verified, report: reportPlan(planned, written), planned };
}
