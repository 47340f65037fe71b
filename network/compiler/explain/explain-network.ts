import {
  answerPlaces,
  checkParameters,
  encodeProgram,
  type Instruction,
  MAX_LOG_QP,
  type Program,
  type Register,
  type VerifiedProgram,
} from '#fhe';
import {
  countOperations,
  estimateCost,
  estimateStepTimes,
  type MachineCost,
  TYPICAL_MACHINE,
} from '#fhe/design';
import type { Graph } from '#network/model/graph.ts';
import { sketchNetwork } from '../compile.ts';
import type { CompiledNetwork, CompileReport } from '../compiled-network.ts';
import type { PlanProgress } from '../packing/layout-problem.ts';
import type { PlannedNetwork } from '../packing/plan-network.ts';
import { abstractActivations } from './abstract-activations.ts';
import type { ExplainedLayer, Explanation } from './explanation.ts';
import { type MeasuredRun, machineIdentity } from './machine-record.ts';
import { estimatePrecisionBits } from './precision.ts';
import { type Segment, segmentProgram } from './segment-program.ts';

export type ExplainOptions = {
  readonly name?: string;
  /** Pictures that one ciphertext answers; 1 by default. */
  readonly regions?: number;
  /** Measured costs of this machine; typical ones by default. */
  readonly machine?: MachineCost;
  /** Frame times of the program on this machine. */
  readonly measured?: MeasuredRun;
};

/** The program that a network becomes, before its cost is known. */
export type SketchedNetwork = Pick<CompiledNetwork, 'program' | 'verified' | 'report'> & {
  /** What was assumed. */
  readonly notes: readonly string[];
};

/** A gateway with less memory than this is common; plans beyond it get a note. */
const COMMON_MEMORY_BYTES = 4e9;

/** Plans a network, with squares for non-polynomial activations. @throws NetworkError as `compileNetwork`. */
export function sketchForExplanation(
  graph: Graph,
  name = graph.name,
  regions = 1,
  onProgress?: (progress: PlanProgress) => void,
): SketchedNetwork & { readonly planned: PlannedNetwork } {
  const { graph: polynomial, replaced } = abstractActivations(graph);
  const sketch = sketchNetwork(polynomial, name, regions, onProgress);
  const notes: string[] = [];
  if (replaced.length > 0) {
    notes.push(
      `${replaced.length} activations or poolings are not polynomials (${replaced[0]} …): counted as squares and mean pooling, the cheapest approximations; approximate and fine-tune before protecting (\`blindsight model import\`)`,
    );
  }
  return { ...sketch, notes };
}

/**
 * Estimates the cost of protecting a network, before anything is encrypted.
 *
 * @throws NetworkError as `compileNetwork`, if not even a plan can be made.
 */
export function explainNetwork(graph: Graph, options: ExplainOptions = {}): Explanation {
  return explainSketch(sketchForExplanation(graph, options.name, options.regions), options);
}

/** Reports the cost of a planned or compiled network. */
export function explainSketch(
  { program, verified, report, notes }: SketchedNetwork,
  { machine, measured }: Pick<ExplainOptions, 'machine' | 'measured'> = {},
): Explanation {
  const cost = estimateCost(verified);
  const times = estimateStepTimes(verified, machine ?? TYPICAL_MACHINE);
  const segments = segmentProgram(
    program.instructions,
    report.stages.map((stage) => stage.ciphertexts),
  );
  const timeOf = (registers: ReadonlySet<Register>): number =>
    times.reduce((sum, { out, milliseconds }) => (registers.has(out) ? sum + milliseconds : sum), 0);
  const layers = describeLayers(program, verified, report, segments, timeOf);
  const encrypt = times.reduce((sum, t) => (t.kind === 'encrypt' ? sum + t.milliseconds : sum), 0);
  const total = times.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
  const programBytes = encodeProgram(program).length;
  const { constants, evaluationKeys, result, memory } = cost.bytes;
  const { ringDegree, specialModuli } = program.parameters;
  const warnings: string[] = [];
  if (memory > COMMON_MEMORY_BYTES) {
    warnings.push(
      `the engine would need about ${(memory / 1e9).toFixed(1)} GB, more than the 4 GB that WebAssembly can address: what is beyond is read from disk for every picture, which the estimated time leaves out`,
    );
  }
  return {
    name: program.name,
    regions: program.regions ?? 1,
    layers,
    ringDegree,
    logQP: checkParameters(program.parameters).logQP,
    logQPLimit: MAX_LOG_QP[ringDegree]!,
    securityBits: 128,
    levels: report.levels,
    specialPrimes: specialModuli.length,
    inputs: program.inputs.length,
    rotations: cost.rotations,
    products: cost.products,
    keySwitches: layers.reduce((sum, layer) => sum + layer.keySwitches, 0),
    estimatedMs: { encrypt, evaluate: total - encrypt, total },
    bytes: {
      constants,
      evaluationKeys,
      program: programBytes,
      bundle: constants + evaluationKeys + programBytes,
      answer: result,
      memory,
    },
    answersTogether: answerPlaces(verified),
    precisionBits: estimatePrecisionBits(verified),
    machine: { measured: machine !== undefined, identity: machineIdentity() },
    measured: measured === undefined ? null : { ...measured, ratio: total / measured.medianMs },
    notes: [...notes, ...warnings],
  };
}

function describeLayers(
  program: Program,
  { registers }: VerifiedProgram,
  report: CompileReport,
  segments: readonly Segment[],
  timeOf: (registers: ReadonlySet<Register>) => number,
): ExplainedLayer[] {
  const byOut = new Map<Register, Instruction>();
  for (const instruction of program.instructions)
    if (instruction.op !== 'output') byOut.set(instruction.out, instruction);
  let stage = -1;
  return segments.map((segment): ExplainedLayer => {
    const instructions = [...segment.registers].map((out) => byOut.get(out)!);
    if (segment.kind === 'linear') stage++;
    const about = report.stages[stage]!;
    const { rotations, products, relinearizations } = countOperations(
      instructions,
      program.parameters.ringDegree,
    );
    const own = {
      kind: segment.kind,
      number: stage + 1,
      layout: about.layout,
      ciphertexts: about.ciphertexts,
      rotations,
      products,
      keySwitches: rotations + relinearizations,
      estimatedMs: timeOf(segment.registers),
    };
    if (segment.kind === 'linear')
      return { ...own, inputs: about.inputs, outputs: about.outputs, plan: about.plan, level: about.level };
    const product = instructions.find((i) => i.op === 'square' || i.op === 'multiply');
    const level = product && 'out' in product ? registers.get(product.out)!.level : 0;
    return { ...own, inputs: about.outputs, outputs: about.outputs, plan: 'product', level };
  });
}
