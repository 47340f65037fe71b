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
  /** `quadratics-of-maps`: least squares, a polynomial for each map. */
  readonly method: Method | 'scaled-mean' | 'quadratics-of-maps';
  readonly degree: number;
  /** Coefficients by rising power, as calibrated: one polynomial for the layer, or one for each map. */
  readonly polynomials: readonly (readonly number[])[];
  /** Largest error over the range; NaN for maxima. */
  readonly worstError: number;
  /** Root mean square error over the observed inputs. */
  readonly typicalError: number;
  /** Accuracy before this node is replaced, 0 to 1: on calibration pictures, or where training goes on in between on pictures held out. */
  readonly accuracyBefore: number;
  /** Accuracy on the same pictures once it is replaced. */
  readonly accuracy: number;
  /** Accuracy on the same pictures after training with it in place; null if nothing was trained in between. */
  readonly accuracyTrained: number | null;
  /** What calibrating, measuring and training took. */
  readonly seconds: number;
};

/** How to approximate activations. */
export type ApproximationOptions = {
  /** Degree of the polynomials: 2 takes one level, degree d > 2 takes ⌈log2 d⌉ + 1. */
  readonly degree: number;
  /** Candidates; the one with the best accuracy is chosen; among equals, the closest. */
  readonly methods: readonly Method[];
  /** Only maxima are replaced; activations stay. */
  readonly maximaOnly?: boolean;
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

async function replaceMaximum(
  graph: Graph,
  node: Node,
  front: GraphFront,
  accuracyBefore: number,
): Promise<Step> {
  const started = performance.now();
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
    polynomials: [[fit.offset, fit.slope]],
    worstError: Number.NaN,
    typicalError: fit.typicalError,
    accuracyBefore,
    accuracy: await front.accuracy(replaced),
    accuracyTrained: null,
    seconds: (performance.now() - started) / 1000,
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
  accuracyBefore: number,
): Promise<Step> {
  const started = performance.now();
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
      polynomials: [polynomial],
      worstError,
      typicalError,
      accuracyBefore,
      accuracy: await front.accuracy(replaced),
      accuracyTrained: null,
      seconds: 0,
    };
    steps.push({ graph: replaced, report });
  }
  const { graph: best, report } = mostAccurate(steps, front.pictures);
  return { graph: best, report: { ...report, seconds: (performance.now() - started) / 1000 } };
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
    if (!maximum && (options.maximaOnly || !(node.operator in ACTIVATIONS))) continue;
    await front.advance(graph, node);
    const before = layers.at(-1)?.accuracy ?? accuracyBefore;
    const step = maximum
      ? await replaceMaximum(graph, node, front, before)
      : await replaceActivation(graph, node, front, options, before);
    graph = step.graph;
    layers.push(step.report);
    options.onProgress?.(step.report);
  }
  return { graph, layers, accuracyBefore, accuracyAfter: layers.at(-1)?.accuracy ?? accuracyBefore };
}
