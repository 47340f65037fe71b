import { findPrimes, MAX_LOG_QP, type ParametersLiteral } from '#fhe';
import { type MachineCost, OperationCost, TYPICAL_MACHINE } from '#fhe/design';
import { NetworkError } from '#network/errors.ts';
import type { Graph } from '#network/model/graph.ts';
import { ANSWER_SCALE, PRIME_BITS, SCALE } from './compile-limits.ts';
import { Emitter } from './emit/emitter.ts';
import { tooManyRegions } from './emit/regions.ts';
import { type WrittenAnswer, writeAnswer } from './emit/result-ring.ts';
import { writeNetwork } from './emit/write.ts';
import { lowerSteps } from './lowering/lower-steps.ts';
import { registerSizes, type StepNetwork } from './lowering/steps.ts';
import { type NetworkPlan, planNetwork, registerDepths } from './packing/plan.ts';
import type { PlanProgress } from './packing/refine-layouts.ts';
import { type SlotLayout, slotContents } from './packing/slot-layout.ts';

const RING_DEGREES = [4096, 8192, 16384, 32768, 65536];
/** Rings from this on use digits of several limbs where that is cheaper. */
const HYBRID_FROM = 16384;
/**
 * Scale of the encrypted picture. Public-key encryption leaves an error of about 2^15 in a slot at N = 8192, so the picture gets more than
 * the 30 bits of a prime, and the first weights, which are encrypted with less noise, get fewer.
 */
const INPUT_SCALE = 2 ** 33;

/** Parameters for a depth. */
export type ChosenParameters = {
  readonly literal: ParametersLiteral;
  readonly alpha: number;
  readonly cost: OperationCost;
};

/**
 * The smallest ring of the 2024 table, from `smallest` on, that holds `depth` levels of 30-bit primes, with the digit size that makes key switching cheapest.
 *
 * @throws NetworkError NETWORK_TOO_DEEP where even N = 65536 does not.
 */
export function chooseParameters(
  depth: number,
  machine: MachineCost = TYPICAL_MACHINE,
  smallest = 0,
): ChosenParameters {
  for (const ringDegree of RING_DEGREES) {
    if (ringDegree < smallest) continue;
    const most = Math.floor(MAX_LOG_QP[ringDegree]! / PRIME_BITS);
    if (depth + 2 > most) continue;
    let best: { alpha: number; milliseconds: number; cost: OperationCost } | null = null;
    const largest = ringDegree < HYBRID_FROM ? 1 : Math.min(depth + 1, most - depth - 1);
    for (let alpha = 1; alpha <= largest; alpha++) {
      const cost = new OperationCost(machine, { ringDegree, alpha });
      // The middle of the chain stands for all levels.
      const milliseconds = cost.keySwitch(depth) + 2 * cost.keySwitch(Math.floor(depth / 2));
      if (best === null || milliseconds < best.milliseconds) best = { alpha, milliseconds, cost };
    }
    const { alpha, cost } = best!;
    const primes = findPrimes(ringDegree, PRIME_BITS, depth + 1 + alpha);
    const literal = {
      ringDegree,
      specialModuli: primes.slice(0, alpha),
      moduli: primes.slice(alpha),
    };
    return { literal, alpha, cost };
  }
  throw new NetworkError(
    'NETWORK_TOO_DEEP',
    `${depth} levels need ${depth + 2} primes of ${PRIME_BITS} bits, more than N = 65536 holds; use fewer layers or lower degrees`,
  );
}

/** A network with layouts and parameters, before any constant is filled in. */
export type PlannedNetwork = {
  readonly network: StepNetwork;
  readonly plan: NetworkPlan;
  /** Pictures that share the ciphertexts; the plan is that of one. */
  readonly regions: number;
} & ChosenParameters;

/** For which machine is planned, and for how many pictures in one ciphertext. */
export type PlanOptions = {
  readonly machine?: MachineCost;
  readonly regions?: number;
  readonly onProgress?: (progress: PlanProgress) => void;
};

/**
 * Plans steps: parameters, layouts, schedules. Several regions may need a larger ring than the depth alone.
 *
 * @throws NetworkError NETWORK_TOO_DEEP; NETWORK_TOO_LARGE where pools fit no layout, or the regions no ring.
 */
export function planSteps(network: StepNetwork, options: PlanOptions = {}): PlannedNetwork {
  const { machine, regions = 1, onProgress } = options;
  const depth = registerDepths(network).at(-1)!;
  const logits = registerSizes(network).at(-1)!;
  let smallest = 0;
  for (;;) {
    const chosen = chooseParameters(depth, machine, smallest);
    const { ringDegree } = chosen.literal;
    const slots = ringDegree / 2 / regions;
    const fits = regions === 1 || logits <= slots;
    const plan = fits ? planNetwork(network, slots, chosen.cost, onProgress) : null;
    if (plan !== null) return { network, plan, regions, ...chosen };
    if (regions === 1)
      throw new NetworkError('NETWORK_TOO_LARGE', 'no layout lets pooling be a step of its own');
    if (ringDegree === RING_DEGREES.at(-1)) throw tooManyRegions(regions, slots);
    smallest = 2 * ringDegree;
  }
}

/** Plans a graph, with mean pooling in the next layer's matrix or as a step of its own, whichever is better. */
export function planGraph(graph: Graph, options: PlanOptions = {}): PlannedNetwork {
  const merged = planSteps(lowerSteps(graph), options);
  const network = lowerSteps(graph, { pools: true });
  if (!network.steps.some((step) => step.kind === 'pool')) return merged;
  try {
    const pooled = planSteps(network, options);
    return pooled.plan.value < merged.plan.value ? pooled : merged;
  } catch (error) {
    if (error instanceof NetworkError) return merged;
    throw error;
  }
}

/** Writes the program of a planned network, whose logits are at most 1 in magnitude. @param hollow see `writeNetwork`. */
export function writeSteps(
  { network, plan, literal, regions }: PlannedNetwork,
  hollow = false,
): { emitter: Emitter; answer: WrittenAnswer } {
  const pictureValues = network.pictureShape.reduce((a, b) => a * b, 1);
  const emitter = new Emitter(literal, { regions, pictureValues });
  const layout = plan.layouts.at(-1)!;
  if (layout.ciphertexts !== 1)
    throw new NetworkError(
      'NETWORK_TOO_LARGE',
      `${layout.at.length} logits do not fit the ${layout.slots} slots of one answer`,
    );
  const scales = { input: INPUT_SCALE, inner: SCALE, answer: ANSWER_SCALE };
  const [logits] = writeNetwork(emitter, network, plan, scales, hollow);
  return { emitter, answer: writeAnswer(emitter, logits!, expectedLogits(layout)) };
}

/** Which logit stands in which slot of an answer; −1 zero, −2 anything. */
export function expectedLogits(layout: SlotLayout): Int32Array {
  return slotContents(layout).map((value) => (value < 0 && !layout.clean ? -2 : value));
}
