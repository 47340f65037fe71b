import {
  checkParameters,
  findPrimes,
  MAX_LOG_QP,
  type ParametersLiteral,
  type Program,
  verifyProgram,
} from '#fhe';
import { OperationCost, TYPICAL_MACHINE } from '#fhe/design';
import { NetworkError } from '#network/errors.ts';
import type { Graph } from '#network/model/graph.ts';
import { compileGeneral } from './compile-general.ts';
import {
  ANSWER_SCALE,
  LOGIT_HEADROOM,
  PRIME_BITS,
  pictureShape,
  SCALE,
  SLOT_TOLERANCE,
} from './compile-limits.ts';
import { type PlannedNetwork, planGraph } from './compile-steps.ts';
import type { CompiledNetwork, CompileOptions, CompileReport } from './compiled-network.ts';
import { Emitter, type Wire } from './emit/emitter.ts';
import { type LinearPlan, planBlocks, planPatches, planSpread } from './emit/linear-packing.ts';
import { checkRegions } from './emit/regions.ts';
import { writeAnswer } from './emit/result-ring.ts';
import { balanceScales } from './lowering/balance-scales.ts';
import { lowerGraph, type StagedNetwork } from './lowering/lower.ts';
import { registerSizes, scaledRegisters } from './lowering/steps.ts';
import type { Layout } from './packing/layout.ts';
import type { PlanProgress } from './packing/refine-layouts.ts';

/** Parameters for a chain of `stages` linear stages: a level for each, and one for each square between them. */
function parametersFor(ringDegree: number, stages: number): ParametersLiteral | null {
  const count = 2 * stages;
  if ((count + 1) * PRIME_BITS > MAX_LOG_QP[ringDegree]!) return null;
  const primes = findPrimes(ringDegree, PRIME_BITS, count + 1);
  return { ringDegree, specialModuli: primes.slice(0, 1), moduli: primes.slice(1) };
}

/** Chooses a plan for each stage, or nothing where the slots do not suffice. */
function planStages(network: StagedNetwork, slots: number): LinearPlan[] | null {
  const plans: LinearPlan[] = [];
  let layout: Layout | null = null;
  for (const stage of network.stages) {
    const plan: LinearPlan | null =
      layout === null
        ? planPatches(stage, slots)
        : (planBlocks(stage, layout, slots) ?? planSpread(stage, layout, slots));
    if (plan === null) return null;
    plans.push(plan);
    layout = plan.layout;
  }
  return plans;
}

/** Parameters and plans of a chain; `roomy` where a smaller ring would have had the levels, but not the slots. */
type ChainChoice = {
  readonly literal: ParametersLiteral;
  readonly plans: readonly LinearPlan[];
  readonly roomy: boolean;
};

/** The smallest ring in which the network has enough levels, and enough slots for each region. */
function choose(network: StagedNetwork, regions: number): ChainChoice {
  const depth = network.stages.length;
  let enoughLevels = false;
  for (const ringDegree of [4096, 8192, 16384, 32768]) {
    const literal = parametersFor(ringDegree, depth);
    if (literal === null) continue;
    const plans = planStages(network, ringDegree / 2 / regions);
    if (plans !== null) return { literal, plans, roomy: enoughLevels };
    enoughLevels = true;
  }
  throw new NetworkError(
    enoughLevels ? 'NETWORK_TOO_LARGE' : 'NETWORK_TOO_DEEP',
    enoughLevels
      ? `layers of ${network.stages.map((stage) => stage.rows).join(', ')} values do not fit the packings of N ≤ 32768; use fewer maps or units`
      : `${depth} linear layers with squares between them need ${2 * depth + 1} primes, more than N = 32768 holds; use fewer layers`,
  );
}

/** Which logit stands in which slot of an answer; −1 zero, −2 anything. */
function expectedSlots(layout: Layout, slots: number): Int32Array {
  const expected = new Int32Array(slots).fill(layout.kind === 'periodic' ? -1 : -2);
  for (let slot = 0; slot < slots; slot++) {
    const index = layout.kind === 'periodic' ? slot % layout.period : slot / layout.stride;
    if (Number.isInteger(index) && index < layout.size) expected[slot] = index;
  }
  return expected;
}

function layoutName(layout: Layout): string {
  return layout.kind === 'periodic' ? `periodic, ${layout.period}` : `every ${layout.stride}th slot`;
}

/** A network that is a chain and fits the three packings of `linear-packing.ts`. */
type Chain = { readonly lowered: StagedNetwork; readonly regions: number } & ChainChoice;

/** The network as a chain; null where it is none or does not fit. What is wrong with it, `lowerSteps` says. */
function asChain(graph: Graph, regions: number): Chain | null {
  try {
    const lowered = lowerGraph(graph);
    return { lowered, regions, ...choose(lowered, regions) };
  } catch (error) {
    if (error instanceof NetworkError) return null;
    throw error;
  }
}

/** Chains with at most so many products are what the three packings were made for; no search beats them by much. */
const FEW_PRODUCTS = 128;
/** In rings from this on digits of several limbs do: what the general plans have. */
const LARGE_RING = 32768;

/** Estimated time of a chain, comparable with that of a general plan. */
function chainMilliseconds({ literal, plans }: Chain): number {
  const cost = new OperationCost(TYPICAL_MACHINE, { ringDegree: literal.ringDegree, alpha: 1 });
  return plans.reduce((sum, { name, rotations, products }, i) => {
    const level = literal.moduli.length - 1 - 2 * i;
    const hoisted = name === 'patches' ? 0 : products - 1;
    return (
      sum +
      (name === 'patches' ? products * cost.encrypt(level) : cost.decompose(level)) +
      hoisted * cost.keyInner(level) +
      products * cost.product(level, hoisted > 0) +
      (rotations - hoisted + 2) * cost.keySwitch(level)
    );
  }, 0);
}

/**
 * Compiles a network into a ciphertext program and the constants that its owner encrypts. Nothing in the program depends on a
 * trained weight or on calibration: layouts follow the graph's structure, and scales are the same for all.
 *
 * Small chains take the packings of `linear-packing.ts`; everything else is planned in general (`packing/`).
 *
 * @throws NetworkError where the graph cannot be lowered (see `lowerSteps`), is too deep or too large, or the options do not
 * fit it.
 */
export function compileNetwork(graph: Graph, options: CompileOptions): CompiledNetwork {
  const chosen = chooseCompilation(graph, options.regions);
  if ('chain' in chosen) return compileChain(graph, chosen.chain, options);
  // First without weights, which may be tens of gigabytes.
  refuseBeyondMemory(compileGeneral(chosen.planned, options, true).report);
  return compileGeneral(chosen.planned, options);
}

/** What WebAssembly can address. */
const MOST_MEMORY_BYTES = 2 ** 32;

function refuseBeyondMemory({ memoryBytes }: CompileReport): void {
  if (memoryBytes <= MOST_MEMORY_BYTES) return;
  throw new NetworkError(
    'NETWORK_TOO_LARGE',
    `the engine would need ${(memoryBytes / 1e9).toFixed(1)} GB, more than the 4 GB that WebAssembly can address; use fewer maps, units or layers (blindsight explain says what takes them)`,
  );
}

/** Which compiler a network goes to. */
function chooseCompilation(
  graph: Graph,
  regions = 1,
  onProgress?: (progress: PlanProgress) => void,
): { chain: Chain } | { planned: PlannedNetwork } {
  checkRegions(regions);
  const chain = asChain(graph, regions);
  const products = chain?.plans.reduce((sum, plan) => sum + plan.products, 0) ?? 0;
  const small = chain !== null && products <= FEW_PRODUCTS && chain.literal.ringDegree < LARGE_RING;
  if (small && !chain.roomy) return { chain };
  const planned = planGraph(graph, { regions, ...(onProgress && { onProgress }) });
  if (chain !== null && chainMilliseconds(chain) < planned.plan.milliseconds) return { chain };
  return { planned };
}

/**
 * The program that `compileNetwork` would write, without calibration and, for large networks, without weights: to see what
 * protection will cost before anything else is done.
 *
 * @throws NetworkError as `compileNetwork`.
 */
export function sketchNetwork(
  graph: Graph,
  name: string,
  regions = 1,
  onProgress?: (progress: PlanProgress) => void,
): Pick<CompiledNetwork, 'program' | 'report'> {
  const chosen = chooseCompilation(graph, regions, onProgress);
  const options = (classes: number, ranges: number): CompileOptions => ({
    name,
    labels: Array.from({ length: classes }, (_, i) => String(i)),
    activationRanges: new Array<number>(ranges).fill(1),
    logitRange: 1,
    regions,
  });
  if ('chain' in chosen) {
    const { stages } = chosen.chain.lowered;
    return compileChain(graph, chosen.chain, options(stages.at(-1)!.rows, stages.length - 1));
  }
  const { network } = chosen.planned;
  const hollow = options(registerSizes(network).at(-1)!, scaledRegisters(network).length);
  return compileGeneral(chosen.planned, hollow, true);
}

function compileChain(
  graph: Graph,
  { lowered, literal, regions }: Chain,
  options: CompileOptions,
): CompiledNetwork {
  const picture = pictureShape(lowered.pictureShape, options.picture?.light);
  const classes = lowered.stages.at(-1)!.rows;
  if (options.labels.length !== classes) {
    throw new NetworkError('NETWORK_DATA', `${options.labels.length} labels for ${classes} outputs`);
  }
  if (!(options.logitRange > 0) || !Number.isFinite(options.logitRange)) {
    throw new NetworkError('NETWORK_DATA', `logit range ${options.logitRange}: expected a positive number`);
  }
  const range = LOGIT_HEADROOM * options.logitRange;
  const network = balanceScales(lowered, options.activationRanges, range);
  const plans = planStages(network, literal.ringDegree / 2 / regions)!;
  const pictureValues = picture.channels * picture.height * picture.width;
  const emitter = new Emitter(literal, { regions, pictureValues });
  const levels: number[] = [];
  let wire: Wire | null = null;
  let layout: Layout | null = null;
  plans.forEach((plan, i) => {
    const last = i === plans.length - 1;
    if (wire !== null) wire = emitter.square(wire);
    levels.push(wire?.level ?? emitter.topLevel);
    const packed = plan.write(emitter, wire, last ? ANSWER_SCALE : SCALE);
    wire = packed.wire;
    layout = packed.layout;
  });
  const { expected, resultRing } = writeAnswer(emitter, wire!, expectedSlots(layout!, emitter.slots));
  const program: Program = {
    version: 1,
    name: options.name ?? graph.name,
    parameters: literal,
    ...(resultRing && { resultRing }),
    picture,
    ...(regions > 1 && { regions }),
    inputs: emitter.inputs,
    constants: emitter.constants,
    instructions: emitter.instructions,
  };
  const verified = verifyProgram(program);
  return {
    program,
    constants: emitter.values,
    interpretation: {
      labels: options.labels,
      ...(regions > 1 && { regions }),
      expected,
      unit: range,
      range,
      tolerance: range * SLOT_TOLERANCE,
    },
    report: {
      ringDegree: literal.ringDegree,
      logQP: checkParameters(literal).logQP,
      levels: literal.moduli.length,
      inputs: emitter.inputs.length,
      constants: emitter.constants.length,
      rotations: plans.reduce((sum, plan) => sum + plan.rotations, 0),
      memoryBytes: verified.memoryBytes,
      stages: plans.map((plan, i) => ({
        inputs: network.stages[i]!.columns,
        outputs: network.stages[i]!.rows,
        plan: plan.name,
        level: levels[i]!,
        rotations: plan.rotations,
        products: plan.products,
        layout: layoutName(plan.layout),
        ciphertexts: 1,
      })),
    },
  };
}
