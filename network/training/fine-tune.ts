import { type Dataset, pictureValues, selectPictures } from '../datasets/dataset.ts';
import { NetworkError } from '../errors.ts';
import type { Graph, Tensor } from '../model/graph.ts';
import { simplifyGraph } from '../passes/simplify-graph.ts';
import { Adam } from './adam.ts';
import { differentiateGraph, trainableNames } from './gradients/graph-gradients.ts';
import type { Parameter } from './layers/layer.ts';
import { SeededRandom } from './random.ts';

/** How a network is fine-tuned. */
export type FineTuneOptions = {
  readonly epochs: number;
  readonly batch: number;
  /** Step relative to the size of each parameter: 0.01 moves a weight by about 1 % of its layer's typical weight. */
  readonly learningRate: number;
  readonly seed: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: {
    readonly epoch: number;
    readonly step: number;
    readonly steps: number;
    readonly loss: number;
  }) => void;
};

const WEIGHT_DECAY = 0;
const LOGIT_SIZE = 4;
/** Gradients are of scaled parameters, so that one norm fits all networks. */
const GRADIENT_NORM = 1;

/** A parameter in units of its own size, so that one learning rate fits shifts of hundreds and factors of thousandths. */
class ScaledParameter implements Parameter {
  readonly values: Float32Array;
  readonly gradients: Float32Array;
  readonly decays = false;
  readonly #tensor: Tensor;
  readonly #unit: number;

  constructor(tensor: Tensor) {
    this.#tensor = tensor;
    let squares = 0;
    for (const value of tensor.data) squares += value * value;
    this.#unit = Math.sqrt(squares / tensor.data.length) || 1;
    this.values = Float32Array.from(tensor.data, (value) => value / this.#unit);
    this.gradients = new Float32Array(tensor.data.length);
  }

  take(gradient: Float64Array): void {
    for (let i = 0; i < gradient.length; i++) this.gradients[i] = gradient[i]! * this.#unit;
  }

  write(): void {
    for (let i = 0; i < this.values.length; i++) this.#tensor.data[i] = this.values[i]! * this.#unit;
  }
}

/**
 * What logits are divided by before the softmax, so that their root mean square is {@link LOGIT_SIZE}: networks whose logits run
 * into the thousands would otherwise learn from the few pictures that they get wrong, and from nothing else.
 */
function temperatureOf(logits: Tensor): number {
  let squares = 0;
  for (const logit of logits.data) squares += logit * logit;
  return Math.sqrt(squares / logits.data.length) / LOGIT_SIZE || 1;
}

/** Mean cross entropy of softmax(logits / temperature) and its gradient. */
function crossEntropy(
  scaled: Tensor,
  labels: Uint8Array,
  temperature: number,
): { loss: number; gradient: Float64Array } {
  const logits = { data: scaled.data.map((logit) => logit / temperature) };
  const classes = logits.data.length / labels.length;
  const gradient = new Float64Array(logits.data.length);
  let loss = 0;
  labels.forEach((label, n) => {
    const row = logits.data.subarray(n * classes, (n + 1) * classes);
    const largest = Math.max(...row);
    let sum = 0;
    for (const logit of row) sum += Math.exp(logit - largest);
    loss += (Math.log(sum) + largest - row[label]!) / labels.length;
    for (let k = 0; k < classes; k++) {
      const share = Math.exp(row[k]! - largest) / sum - (k === label ? 1 : 0);
      gradient[n * classes + k] = share / labels.length / temperature;
    }
  });
  return { loss, gradient };
}

/**
 * Trains a graph further as it stands, polynomials in place: every weight, bias and coefficient. The graph that is given stays
 * as it is.
 *
 * @param dataset labelled pictures, prepared as the graph takes them.
 * @throws NetworkError NETWORK_OPERATOR for activations that are not approximated yet; NETWORK_TRAINING where the loss stops being a number.
 */
export async function fineTune(given: Graph, dataset: Dataset, options: FineTuneOptions): Promise<Graph> {
  const folded = simplifyGraph(given);
  const copies = [...folded.initializers].map(([name, tensor]): [string, Tensor] => [
    name,
    { ...tensor, data: tensor.data.slice() },
  ]);
  const graph = { ...folded, initializers: new Map(copies) };
  const names = trainableNames(graph);
  const parameters = names.map((name) => new ScaledParameter(graph.initializers.get(name)!));
  const adam = new Adam(parameters, { weightDecay: WEIGHT_DECAY, gradientNorm: GRADIENT_NORM });
  const random = new SeededRandom(options.seed);
  const count = dataset.classes.length;
  const batch = Math.min(options.batch, count);
  const steps = Math.floor(count / batch);
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  const shape = graph.inputs[0]!.shape!.slice(1);
  let temperature: number | undefined;
  for (let epoch = 1; epoch <= options.epochs; epoch++) {
    random.shuffle(order);
    for (let step = 0; step < steps; step++) {
      options.signal?.throwIfAborted();
      const chosen = selectPictures(dataset, [...order.subarray(step * batch, (step + 1) * batch)]);
      const pictures: Tensor = {
        type: 'float32',
        shape: [chosen.pictures.length / pictureValues(dataset.picture), ...shape],
        data: chosen.pictures,
      };
      let loss = 0;
      const { gradients } = differentiateGraph(graph, pictures, (logits) => {
        temperature ??= temperatureOf(logits);
        const measured = crossEntropy(logits, chosen.classes, temperature);
        loss = measured.loss;
        return measured.gradient;
      });
      if (!Number.isFinite(loss)) {
        throw new NetworkError(
          'NETWORK_TRAINING',
          `the loss is ${loss} in epoch ${epoch}; lower the learning rate`,
        );
      }
      parameters.forEach((parameter, p) => {
        const gradient = gradients.get(names[p]!);
        if (gradient !== undefined) parameter.take(gradient);
      });
      const done = ((epoch - 1) * steps + step) / (options.epochs * steps);
      adam.step(options.learningRate * 0.5 * (1 + Math.cos(Math.PI * done)));
      for (const parameter of parameters) parameter.write();
      options.onProgress?.({ epoch, step: step + 1, steps, loss });
      // Lets timers, signals and progress output run.
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  return graph;
}
