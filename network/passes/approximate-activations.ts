import { approximate, type Method } from '../approximation/approximate.ts';
import type { Domain } from '../approximation/fits.ts';
import { type Dataset, pictureValues } from '../datasets/dataset.ts';
import { NetworkError } from '../errors.ts';
import type { Graph, Node, Tensor } from '../model/graph.ts';
import { ACTIVATIONS } from '../model/operators/elementwise.ts';
import { Call } from '../model/operators/operator.ts';
import { evaluateGraph, runGraph } from '../model/run.ts';
import { accuracyOf } from '../training/train.ts';
import { expandPolynomial } from './expand-polynomial.ts';
import { averageOf, fitMaxPooling, replaceMaxPooling } from './replace-max-pooling.ts';
import { replaceNode } from './replace-nodes.ts';
import { simplifyGraph } from './simplify-graph.ts';

/** What became of one activation or maximum. */
export type ActivationReport = {
  readonly node: string;
  readonly operator: string;
  /** Range of its inputs on the calibration pictures, with everything before it replaced already. */
  readonly low: number;
  readonly high: number;
  readonly method: Method | 'scaled-mean';
  readonly degree: number;
  /** Largest error over the range; NaN for maxima. */
  readonly worstError: number;
  /** Root mean square error over the observed inputs. */
  readonly typicalError: number;
  /** Accuracy on the calibration pictures once this node is replaced, 0 to 1. */
  readonly accuracy: number;
};

/** How activations are approximated. */
export type ApproximationOptions = {
  /** Degree of the polynomials: 2 takes one level, degree d > 2 takes ⌈log2 d⌉ + 1. */
  readonly degree: number;
  /** Candidates; the one with the best accuracy is taken. */
  readonly methods: readonly Method[];
  readonly signal?: AbortSignal;
  readonly onProgress?: (report: ActivationReport) => void;
};

/** A network without activations that cannot be encrypted, and what that did. */
export type ApproximatedNetwork = {
  readonly graph: Graph;
  readonly layers: readonly ActivationReport[];
  readonly accuracyBefore: number;
  readonly accuracyAfter: number;
};

const CHUNK = 50;
const MAX_SAMPLES = 50_000;
/** Room beyond the observed range, as a share of it. */
const MARGIN = 0.05;

/** Share of right answers of a graph on labelled pictures. */
export function graphAccuracy(graph: Graph, dataset: Dataset): number {
  const size = pictureValues(dataset.picture);
  const logits: number[] = [];
  for (let at = 0; at < dataset.classes.length; at += CHUNK) {
    for (const logit of runGraph(graph, dataset.pictures.subarray(at * size, (at + CHUNK) * size)))
      logits.push(logit);
  }
  return accuracyOf(Float32Array.from(logits), dataset.classes);
}

/** Values of `names` on the calibration pictures, thinned out evenly. */
function observe(graph: Graph, until: Node, names: readonly string[], dataset: Dataset): Float64Array[] {
  const size = pictureValues(dataset.picture);
  const input = graph.inputs[0]!;
  const end = graph.nodes.findIndex((node) => node.outputs[0] === until.outputs[0]);
  const truncated = { ...graph, nodes: [...graph.nodes.slice(0, end), until] };
  const collected = names.map((): number[] => []);
  const count = dataset.classes.length;
  for (let at = 0; at < count; at += CHUNK) {
    const batch = Math.min(CHUNK, count - at);
    const shape = [batch, ...input.shape!.slice(1)];
    const picture: Tensor = {
      type: input.type,
      shape,
      data: dataset.pictures.subarray(at * size, (at + batch) * size),
    };
    const values = evaluateGraph(truncated, new Map([[input.name, picture]]));
    names.forEach((name, i) => {
      const { data } = values.get(name)!;
      const stride = Math.max(1, Math.ceil((data.length * (count / batch)) / MAX_SAMPLES));
      // A stride that shares no factor with the layout would be better still; an odd one visits all channels and columns.
      for (let k = 0; k < data.length; k += stride | 1) collected[i]!.push(data[k]!);
    });
  }
  return collected.map((values) => Float64Array.from(values));
}

function domainOf(samples: Float64Array): Domain {
  let [low, high] = [Infinity, -Infinity];
  for (const x of samples) {
    low = Math.min(low, x);
    high = Math.max(high, x);
  }
  const margin = MARGIN * (high - low);
  return { low: low - margin, high: high + margin, samples };
}

type Step = { readonly graph: Graph; readonly report: ActivationReport };

function replaceMaximum(graph: Graph, node: Node, dataset: Dataset): Step {
  const mean = averageOf(node, `${node.outputs[0]}:observed`);
  const withMean = replaceNode(graph, node.outputs[0]!, { nodes: [mean, node], initializers: {} });
  const [means, maxima] = observe(withMean, node, [mean.outputs[0]!, node.outputs[0]!], dataset) as [
    Float64Array,
    Float64Array,
  ];
  const fit = fitMaxPooling(means, maxima);
  const replaced = replaceNode(graph, node.outputs[0]!, replaceMaxPooling(node, fit));
  const { low, high } = domainOf(means);
  const accuracy = graphAccuracy(replaced, dataset);
  const { typicalError } = fit;
  const report = {
    low,
    high,
    method: 'scaled-mean' as const,
    degree: 1,
    worstError: Number.NaN,
    typicalError,
    accuracy,
  };
  return { graph: replaced, report: { node: node.name, operator: node.operator, ...report } };
}

async function replaceActivation(
  graph: Graph,
  node: Node,
  dataset: Dataset,
  options: ApproximationOptions,
): Promise<Step> {
  const constants = node.inputs.map((name) => graph.initializers.get(name));
  const f = ACTIVATIONS[node.operator]!(new Call(node, graph.opset, constants));
  const [samples] = observe(graph, node, [node.inputs[0]!], dataset);
  const domain = domainOf(samples!);
  let best: Step | undefined;
  for (const method of options.methods) {
    // Lets signals and progress output run.
    await new Promise((resolve) => setImmediate(resolve));
    options.signal?.throwIfAborted();
    const { polynomial, worstError, typicalError } = approximate(f, domain, method, options.degree);
    const replaced = replaceNode(
      graph,
      node.outputs[0]!,
      expandPolynomial(node, polynomial, Math.max(-domain.low, domain.high)),
    );
    const accuracy = graphAccuracy(replaced, dataset);
    const report = {
      node: node.name,
      operator: node.operator,
      low: domain.low,
      high: domain.high,
      method,
      degree: polynomial.length - 1,
      worstError,
      typicalError,
      accuracy,
    };
    const better = best === undefined || accuracy > best.report.accuracy;
    const tighter = accuracy === best?.report.accuracy && typicalError < best.report.typicalError;
    if (better || tighter) best = { graph: replaced, report };
  }
  if (best === undefined) throw new NetworkError('NETWORK_DATA', 'no approximation method was given');
  return best;
}

/**
 * Replaces every activation by a polynomial and every maximum by a scaled mean, first to last. Each is calibrated on what reaches it
 * once all before it are replaced; of the candidate methods the one with the best accuracy on the labelled calibration pictures
 * is taken.
 *
 * @param dataset calibration pictures, prepared as the graph takes them.
 * @throws NetworkError NETWORK_OPERATOR, NETWORK_DATA; the signal's reason.
 */
export async function approximateActivations(
  given: Graph,
  dataset: Dataset,
  options: ApproximationOptions,
): Promise<ApproximatedNetwork> {
  let graph = simplifyGraph(given);
  const accuracyBefore = graphAccuracy(graph, dataset);
  const layers: ActivationReport[] = [];
  for (const node of graph.nodes) {
    options.signal?.throwIfAborted();
    const step =
      node.operator === 'MaxPool'
        ? replaceMaximum(graph, node, dataset)
        : node.operator in ACTIVATIONS
          ? await replaceActivation(graph, node, dataset, options)
          : undefined;
    if (step === undefined) continue;
    graph = step.graph;
    layers.push(step.report);
    options.onProgress?.(step.report);
  }
  return { graph, layers, accuracyBefore, accuracyAfter: layers.at(-1)?.accuracy ?? accuracyBefore };
}
