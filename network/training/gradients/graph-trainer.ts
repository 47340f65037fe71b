import { Workspace } from '#network/model/kernel/workspace.ts';
import { evaluateGraph } from '#network/model/run/run.ts';
import { type Graph, type Node, sizeOf, type Tensor } from '../../model/graph.ts';
import { ACTIVATIONS } from '../../model/operators/elementwise.ts';
import { Call } from '../../model/operators/operator.ts';
import { answeringStep, maxPoolStep, reluStep } from './activation-steps.ts';
import { arithmeticSteps } from './arithmetic-step.ts';
import { ChangingActivation } from './changing-activation.ts';
import { convolutionStep } from './convolution-step.ts';
import { learnedNormalizationStep } from './learned-normalization-step.ts';
import { gemmStep, matMulStep } from './matrix-steps.ts';
import { MOVING_OPERATORS, movingStep } from './moving-step.ts';
import type { NodeRule, NodeStep, Pass, TrainedValue } from './node-step.ts';
import { normalizationStep } from './normalization-step.ts';
import { averagePoolStep, globalAveragePoolStep } from './pooling-steps.ts';
import { reductionStep } from './reduction-step.ts';

/** Operators with a known gradient: those of a network that can be encrypted, and those that are often approximated. */
const RULES: ReadonlyMap<string, NodeRule> = new Map<string, NodeRule>([
  ['Conv', convolutionStep],
  ['Relu', reluStep],
  ['MaxPool', maxPoolStep],
  ['MatMul', matMulStep],
  ['Gemm', gemmStep],
  ['AveragePool', averagePoolStep],
  ['GlobalAveragePool', globalAveragePoolStep],
  ['ReduceMean', reductionStep],
  ['ReduceSum', reductionStep],
  ['BatchNormalization', normalizationStep],
  ...Object.entries(arithmeticSteps),
  ...MOVING_OPERATORS.map((name): [string, NodeRule] => [name, movingStep]),
]);

const TRAINED_OPERATORS = ['Conv', 'MatMul', 'Gemm', 'Add', 'Sub', 'Mul', 'Div'];

/** Reserved, not used: the operating system commits pages when touched. */
const WORKSPACE_BYTES = 2 ** 31;

/** A number or tensor that training changes. */
export type TrainedParameter = {
  readonly name: string;
  readonly values: Float32Array;
  readonly gradients: Float32Array;
};

/** How a graph is trained. */
export type GraphTraining = {
  /** Nothing is trained: any operator of the clear run is taken, and there is only a forward pass. */
  readonly answersOnly?: boolean;
  /**
   * Batch normalization is trained (`learnedNormalizationStep`), and activations may turn into quadratics on the way
   * ({@link ChangingActivation}).
   */
  readonly changing?: boolean;
};

/** Names of the initializers that training may change: numbers that only trained operators use. */
function trainableNames(graph: Graph, nodes: readonly Node[], changing: boolean): Set<string> {
  const trained = new Set<string>();
  // An initializer that an untrained operator reads too is read only once: it must not change.
  const kept = new Set<string>();
  for (const { operator, inputs } of nodes) {
    const normalizes = changing && operator === 'BatchNormalization';
    inputs.forEach((name, i) => {
      // Scale and shift; mean and variance are measured.
      const learns = normalizes ? i === 1 || i === 2 : TRAINED_OPERATORS.includes(operator);
      (learns ? trained : kept).add(name);
    });
  }
  return new Set(
    [...trained].filter((name) => graph.initializers.get(name)?.type === 'float32' && !kept.has(name)),
  );
}

/** What a network in training measures by itself: means and variances of batch normalization. */
function statisticsOf(nodes: readonly Node[]): string[] {
  return nodes.flatMap(({ operator, inputs }) =>
    operator === 'BatchNormalization' ? inputs.slice(3, 5) : [],
  );
}

/** The nodes that the first output depends on, in order. */
function nodesOf(graph: Graph): Node[] {
  const read = new Set([graph.outputs[0]!.name]);
  const nodes = graph.nodes.toReversed().filter((node) => {
    if (!node.outputs.some((name) => read.has(name))) return false;
    for (const name of node.inputs) read.add(name);
    return true;
  });
  return nodes.toReversed();
}

/**
 * A graph laid out for training in batches of one size: every value has its place, every node its loops, before the first picture. A
 * picture of the ONNX zoo's mnist-8 takes 0.6 ms forward and backward; node by node in float64 it took 6 ms.
 */
export class GraphTrainer {
  /** Weights, biases, factors; then the coefficients of each of {@link activations}, by the name of its output. */
  readonly parameters: readonly TrainedParameter[];
  /** In the order of the nodes; none unless they may change. */
  readonly activations: readonly ChangingActivation[];
  /** Running means and variances, by name, where batch normalization is trained. */
  readonly statistics: readonly { readonly name: string; readonly values: Float32Array }[];
  /** Pictures of one batch, to be filled in before each pass. */
  readonly pictures: Float32Array;
  /** The graph's answers to them. */
  readonly logits: Float32Array;
  readonly #steps: readonly NodeStep[];
  readonly #gradients: readonly Float32Array[];
  readonly #logitGradients: Float32Array;
  readonly #pass: Pass = { training: true, clamped: true };
  readonly #values: ReadonlyMap<string, TrainedValue>;

  private constructor(graph: Graph, batch: number, workspace: Workspace, training: GraphTraining) {
    const { answersOnly = false, changing = false } = training;
    const input = graph.inputs[0]!;
    const shape = [batch, ...input.shape!.slice(1)];
    const nodes = nodesOf(graph);
    const picture: Tensor = { type: 'float32', shape, data: new Float32Array(sizeOf(shape)) };
    const shaped = evaluateGraph({ ...graph, nodes }, new Map([[input.name, picture]]));
    const trainable = answersOnly ? new Set<string>() : trainableNames(graph, nodes, changing);
    const wanted = new Set(trainable);
    for (const node of nodes) {
      if (node.inputs.some((name) => wanted.has(name))) for (const name of node.outputs) wanted.add(name);
    }
    const values = new Map<string, TrainedValue>();
    for (const [name, tensor] of shaped) {
      if (tensor.type !== 'float32' && tensor.type !== 'float64') continue;
      const size = tensor.data.length;
      const gradients = wanted.has(name) ? workspace.allocate(size) : undefined;
      const value = { shape: tensor.shape, values: workspace.allocate(size), gradients };
      if (graph.initializers.has(name)) value.values.set(tensor.data);
      values.set(name, value);
    }
    const activations: ChangingActivation[] = [];
    this.#steps = nodes.map((node): NodeStep => {
      const tensors = node.inputs.map((name) => shaped.get(name));
      const call: Call = new Call(node, graph.opset, tensors);
      const output = values.get(node.outputs[0]!) ?? call.refuse('only floats are trained');
      const { gradients = workspace.allocate(0) } = output;
      const inputs = node.inputs.map((name) => values.get(name));
      const site = { call, inputs, output: { ...output, gradients }, workspace, pass: this.#pass };
      if (changing && node.operator in ACTIVATIONS) {
        const activation = new ChangingActivation(site);
        activations.push(activation);
        return activation;
      }
      if (changing && node.operator === 'BatchNormalization') return learnedNormalizationStep(site);
      const rule = RULES.get(node.operator) ?? (answersOnly ? answeringStep : undefined);
      if (rule === undefined) call.refuse('cannot be trained; approximate activations before fine-tuning');
      return rule(site);
    });
    this.activations = activations;
    this.#values = values;
    this.statistics = (changing ? statisticsOf(nodes) : []).map((name) => ({
      name,
      values: values.get(name)!.values,
    }));
    const [pictures, logits] = [values.get(input.name)!, values.get(graph.outputs[0]!.name)!];
    this.pictures = pictures.values;
    this.logits = logits.values;
    this.#logitGradients = logits.gradients ?? workspace.allocate(logits.values.length);
    const numbers = [...trainable].map((name): TrainedParameter => {
      const { values: trained, gradients } = values.get(name)!;
      return { name, values: trained, gradients: gradients! };
    });
    const coefficients = activations.map((one) => ({ name: one.node.outputs[0]!, ...one.coefficients }));
    this.parameters = [...numbers, ...coefficients];
    this.#gradients = [
      ...[...values.values()].flatMap(({ gradients }) => gradients ?? []),
      ...coefficients.map(({ gradients }) => gradients),
    ];
  }

  /**
   * @param graph simplified, its batch open, its initializers the parameters to start from (they are copied).
   * @throws NetworkError NETWORK_OPERATOR for a node without a known gradient; NETWORK_TOO_LARGE if 2 GiB do not suffice.
   */
  static async create(graph: Graph, batch: number, training: GraphTraining = {}): Promise<GraphTrainer> {
    return new GraphTrainer(graph, batch, await Workspace.create(WORKSPACE_BYTES), training);
  }

  /** Values of the last pass, by name. */
  valuesOf(name: string): TrainedValue {
    return this.#values.get(name)!;
  }

  /**
   * Forward pass.
   *
   * @param training whether batch normalization that is trained goes by the batch.
   * @param clamped whether quadratics are kept from inputs far out, as they are in training.
   */
  forward(training = true, clamped = training): void {
    this.#pass.training = training;
    this.#pass.clamped = clamped;
    for (const step of this.#steps) step.forward();
  }

  /**
   * Backward pass: sets the parameters' gradients to those of this batch.
   *
   * @param fill writes the gradient of the loss by the logits.
   */
  backward(fill: (logitGradients: Float32Array) => void): void {
    for (const gradients of this.#gradients) gradients.fill(0);
    fill(this.#logitGradients);
    for (let i = this.#steps.length - 1; i >= 0; i--) this.#steps[i]!.backward();
  }
}
