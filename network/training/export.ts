import { expandPolynomial } from '#network/compiler/rewrite/expand-polynomial.ts';
import { NetworkError } from '../errors.ts';
import type { Attribute, Graph, Node, Tensor } from '../model/graph.ts';
import { AverageLayer } from './layers/average.ts';
import { ClampLayer } from './layers/clamp.ts';
import { ConvolutionLayer } from './layers/convolution.ts';
import { DenseLayer } from './layers/dense.ts';
import { FlattenLayer } from './layers/flatten.ts';
import { HerPnLayer } from './layers/herpn.ts';
import type { Layer, LayerShape } from './layers/layer.ts';
import { NormalizationLayer } from './layers/normalization.ts';
import { OffsetLayer } from './layers/offset.ts';
import { PolynomialLayer } from './layers/polynomial.ts';
import { ReluLayer } from './layers/relu.ts';
import { ResidualLayer } from './layers/residual.ts';
import { SquareLayer } from './layers/square.ts';
import type { TrainableNetwork } from './trainable-network.ts';

function ints(...value: number[]): Attribute {
  return { kind: 'ints', value };
}

function tensor(shape: readonly number[], data: Float32Array): Tensor {
  return { type: 'float32', shape, data: data.slice() };
}

/** Writes layers as nodes, one after the other. Names number the operators and show a layer's position. */
class GraphWriter {
  readonly nodes: Node[] = [];
  readonly initializers = new Map<string, Tensor>();
  readonly #counts = new Map<string, number>();

  #emit(operator: string, inputs: readonly string[], attributes: Record<string, Attribute> = {}): string {
    const name = this.#name(operator);
    this.nodes.push({
      name,
      operator,
      inputs,
      outputs: [`${name}_out`],
      attributes: new Map(Object.entries(attributes)),
    });
    return `${name}_out`;
  }

  #name(operator: string): string {
    const count = (this.#counts.get(operator) ?? 0) + 1;
    this.#counts.set(operator, count);
    return `${operator.toLowerCase()}${count}`;
  }

  #constant(label: string, held: Tensor): string {
    this.initializers.set(label, held);
    return label;
  }

  /** @param position of the layer, unique. @returns the name of its output. */
  layer(layer: Layer, place: string, value: string): string {
    const constant = (suffix: string, held: Tensor): string =>
      this.#constant(`layer${place}.${suffix}`, held);
    if (layer instanceof ConvolutionLayer) {
      const { maps, kernel, stride, padding } = layer.geometry;
      const channels = layer.weight.values.length / (maps * kernel * kernel);
      const weight = constant('weight', tensor([maps, channels, kernel, kernel], layer.weight.values));
      const bias = constant('bias', tensor([maps], layer.bias.values));
      return this.#emit('Conv', [value, weight, bias], {
        kernel_shape: ints(kernel, kernel),
        strides: ints(stride, stride),
        pads: ints(padding, padding, padding, padding),
      });
    }
    if (layer instanceof DenseLayer) {
      const weight = constant('weight', tensor([layer.inputs, layer.output.units], layer.weight.values));
      const bias = constant('bias', tensor([layer.output.units], layer.bias.values));
      return this.#emit('Gemm', [value, weight, bias]);
    }
    if (layer instanceof NormalizationLayer) {
      const held = [layer.scale.values, layer.shift.values, layer.runningMean, layer.runningVariance];
      const labels = ['scale', 'shift', 'mean', 'variance'].map((suffix, k) =>
        constant(suffix, tensor([held[k]!.length], held[k]!)),
      );
      return this.#emit('BatchNormalization', [value, ...labels], {
        epsilon: { kind: 'float', value: layer.epsilon },
      });
    }
    if (layer instanceof ReluLayer) return this.#emit('Relu', [value]);
    if (layer instanceof SquareLayer) return this.#emit('Mul', [value, value]);
    if (layer instanceof ClampLayer) return value;
    if (layer instanceof HerPnLayer) return this.#quadratics(layer.output, layer.quadratics, constant, value);
    if (layer instanceof PolynomialLayer && layer.perMap)
      return this.#quadratics(layer.output, layer.coefficients.values, constant, value);
    if (layer instanceof PolynomialLayer) return this.#polynomial(layer, value);
    if (layer instanceof FlattenLayer) return this.#emit('Flatten', [value]);
    if (layer instanceof AverageLayer) {
      const size = ints(layer.size, layer.size);
      return this.#emit('AveragePool', [value], { kernel_shape: size, strides: size });
    }
    if (layer instanceof OffsetLayer) {
      const { output } = layer;
      const shape =
        output.kind === 'vector' ? [output.units] : [output.channels, output.height, output.width];
      return this.#emit('Add', [value, constant('offset', tensor([1, ...shape], layer.offset.values))]);
    }
    if (layer instanceof ResidualLayer) {
      const body = this.stack(layer.body, `${place}.`, value);
      const straight = layer.shortcut ? this.layer(layer.shortcut, `${place}.shortcut`, value) : value;
      return this.#emit('Add', [body, straight]);
    }
    throw new NetworkError('NETWORK_TRAINING', `layer ${place} cannot be written as ONNX`);
  }

  /** The same nodes that imports write for polynomials: a quadratic is one square between linear nodes. */
  #polynomial(layer: PolynomialLayer, value: string): string {
    const name = this.#name('Polynomial');
    const outputs = [`${name}_out`];
    const node = { name, operator: 'Polynomial', inputs: [value], outputs, attributes: new Map() };
    const written = expandPolynomial(node, [...layer.coefficients.values]);
    this.nodes.push(...written.nodes);
    for (const [label, held] of Object.entries(written.initializers)) this.#constant(label, held);
    return outputs[0]!;
  }

  /** Quadratics by map or unit, as a·(x + b/2a)² + (c − b²/4a): one bare square between linear nodes, which merge with their neighbors. */
  #quadratics(
    output: LayerShape,
    coefficients: Float32Array,
    constant: (suffix: string, held: Tensor) => string,
    value: string,
  ): string {
    const count = coefficients.length / 3;
    const shape = output.kind === 'vector' ? [count] : [1, count, 1, 1];
    const of = (make: (c: number, b: number, a: number) => number): Tensor =>
      tensor(
        shape,
        Float32Array.from({ length: count }, (_, i) =>
          make(coefficients[3 * i]!, coefficients[3 * i + 1]!, coefficients[3 * i + 2]!),
        ),
      );
    // Only where a quadratic vanishes: its linear part is bounded by its square.
    const half = (b: number, a: number): number => (a === 0 ? 0 : b / (2 * a));
    const shift = of((_, b, a) => half(b, a));
    const shifted = this.#emit('Add', [value, constant('shift', shift)]);
    const square = this.#emit('Mul', [shifted, shifted]);
    const scaled = this.#emit('Mul', [
      square,
      constant(
        'square',
        of((_c, _b, a) => a),
      ),
    ]);
    const offset = of((c, b, a) => c - a * Math.fround(half(b, a)) ** 2);
    return this.#emit('Add', [scaled, constant('offset', offset)]);
  }

  stack(layers: readonly Layer[], prefix: string, value: string): string {
    return layers.reduce((current, layer, i) => this.layer(layer, `${prefix}${i}`, current), value);
  }
}

/** Turns a trained network into an ONNX graph (opset 13, input `picture` N×C×H×W, output `logits` N×units or N×maps×height×width). */
export function exportGraph(network: TrainableNetwork, name: string): Graph {
  const writer = new GraphWriter();
  const last = writer.stack(network.layers, '', 'picture');
  const nodes = writer.nodes.map((node) =>
    node.outputs[0] === last ? { ...node, outputs: ['logits'] } : node,
  );
  const { channels, height, width } = network.picture;
  const { output } = network;
  const shape = output.kind === 'vector' ? [output.units] : [output.channels, output.height, output.width];
  return {
    name,
    opset: 13,
    inputs: [{ name: 'picture', type: 'float32', shape: [-1, channels, height, width] }],
    outputs: [{ name: 'logits', type: 'float32', shape: [-1, ...shape] }],
    initializers: writer.initializers,
    nodes,
  };
}
