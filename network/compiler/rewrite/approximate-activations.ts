import { NetworkError } from '#network/errors.ts';
import type { Dataset } from '#network/model/dataset.ts';
import { type Graph, type Node, nodeCaption, nodeLabel } from '#network/model/graph.ts';
import { ACTIVATIONS } from '#network/model/operators/elementwise.ts';
import { Call } from '#network/model/operators/operator.ts';
import { approximate, type Method } from '../approximation/approximate.ts';
import type { Domain } from '../approximation/fits.ts';
import { expandPolynomial } from './expand-polynomial.ts';
import { GraphFront } from './graph-front.ts';
import { averageOf, fitMaxPooling, replaceMaxPooling } from './replace-max-pooling.ts';
import { replaceNode } from './replace-nodes.ts';
import { simplifyGraph } from './simplify-graph.ts';

/** How one activation or maximum was replaced. */
export type ActivationReport = {
  /** Its name, or else its position. */
  readonly node: string;
  /** Its name in a sentence: "Relu 'relu1'", "Relu, the 3rd node". */
  readonly caption: string;
  readonly operator: string;
  /** Range of its inputs on the calibration pictures, after everything before it was replaced. */
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

/** How to approximate activations. */
export type ApproximationOptions = {
  /** Degree of the polynomials: 2 takes one level, degree d > 2 takes ⌈log2 d⌉ + 1. */
  readonly degree: number;
  /** Candidates; the one with the best accuracy is chosen; among equals, the closest. */
  readonly methods: readonly Method[];
  readonly signal?: AbortSignal;
  readonly onProgress?: (report: ActivationReport) => void;
};

/** A network without activations that cannot be encrypted, and the effect. */
export type ApproximatedNetwork = {
  readonly graph: Graph;
  readonly layers: readonly ActivationReport[];
  readonly accuracyBefore: number;
  readonly accuracyAfter: number;
};

/** Margin beyond the observed range, as a share of it. */
const MARGIN = 0.05;

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

async function replaceMaximum(graph: Graph, node: Node, front: GraphFront): Promise<Step> {
  const mean = averageOf(node, `${node.outputs[0]}:observed`);
  const [means, maxima] = front.observe(graph, [mean, node], [mean.outputs[0]!, node.outputs[0]!]) as [
    Float64Array,
    Float64Array,
  ];
  const fit = fitMaxPooling(means, maxima);
  const replaced = replaceNode(graph, node.outputs[0]!, replaceMaxPooling(node, fit));
  const { low, high } = domainOf(means);
  const report = {
    low,
    high,
    method: 'scaled-mean' as const,
    degree: 1,
    worstError: Number.NaN,
    typicalError: fit.typicalError,
    accuracy: await front.accuracy(replaced),
  };
  return {
    graph: replaced,
    report: { node: nodeLabel(node), caption: nodeCaption(node), operator: node.operator, ...report },
  };
}

async function replaceActivation(
  graph: Graph,
  node: Node,
  front: GraphFront,
  options: ApproximationOptions,
): Promise<Step> {
  const constants = node.inputs.map((name) => graph.initializers.get(name));
  const f = ACTIVATIONS[node.operator]!(new Call(node, graph.opset, constants));
  const [samples] = front.observe(graph, [], [node.inputs[0]!]);
  const domain = domainOf(samples!);
  const steps: Step[] = [];
  for (const method of options.methods) {
    options.signal?.throwIfAborted();
    const { polynomial, worstError, typicalError } = approximate(f, domain, method, options.degree);
    const replaced = replaceNode(
      graph,
      node.outputs[0]!,
      expandPolynomial(node, polynomial, Math.max(-domain.low, domain.high)),
    );
    const report = {
      node: nodeLabel(node),
      caption: nodeCaption(node),
      operator: node.operator,
      low: domain.low,
      high: domain.high,
      method,
      degree: polynomial.length - 1,
      worstError,
      typicalError,
      accuracy: await front.accuracy(replaced),
    };
    steps.push({ graph: replaced, report });
  }
  return mostAccurate(steps, front.pictures);
}

/**
 * The step with the best accuracy; of those indistinguishable on so few pictures (two standard errors), the one with the closest
 * polynomial: otherwise a network that already answers at chance would take any lucky one, however far off.
 */
function mostAccurate(steps: readonly Step[], pictures: number): Step {
  const best = Math.max(...steps.map(({ report }) => report.accuracy));
  const doubt = 2 * Math.sqrt((best * (1 - best)) / pictures);
  const [first, ...others] = steps.filter(({ report }) => report.accuracy >= best - doubt);
  if (first === undefined) throw new NetworkError('NETWORK_DATA', 'no approximation method was given');
  return others.reduce(
    (closest, step) => (step.report.typicalError < closest.report.typicalError ? step : closest),
    first,
  );
}

/**
 * Replaces every activation by a polynomial and every maximum by a scaled mean, first to last. Each is calibrated on its inputs after
 * all before it are replaced; the candidate method with the best accuracy on the labelled calibration pictures is chosen, the closest
 * among those that these pictures cannot tell apart.
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
  const front = new GraphFront(graph, dataset);
  const accuracyBefore = await front.accuracy(graph);
  const layers: ActivationReport[] = [];
  for (const node of graph.nodes) {
    options.signal?.throwIfAborted();
    const maximum = node.operator === 'MaxPool';
    if (!maximum && !(node.operator in ACTIVATIONS)) continue;
    await front.advance(graph, node);
    const step = maximum
      ? await replaceMaximum(graph, node, front)
      : await replaceActivation(graph, node, front, options);
    graph = step.graph;
    layers.push(step.report);
    options.onProgress?.(step.report);
  }
  return { graph, layers, accuracyBefore, accuracyAfter: layers.at(-1)?.accuracy ?? accuracyBefore };
}
