import { NetworkError } from '../errors.ts';
import type { Attribute, Graph, Node, Tensor } from '../model/graph.ts';
import { AverageLayer } from './layers/average.ts';
import { ConvolutionLayer } from './layers/convolution.ts';
import { DenseLayer } from './layers/dense.ts';
import { FlattenLayer } from './layers/flatten.ts';
import { NormalizationLayer } from './layers/normalization.ts';
import { SquareLayer } from './layers/square.ts';
import type { TrainableNetwork } from './trainable-network.ts';

function ints(...value: number[]): Attribute {
  return { kind: 'ints', value };
}

function tensor(shape: readonly number[], data: Float32Array): Tensor {
  return { type: 'float32', shape, data: data.slice() };
}

/** Turns a trained network into an ONNX graph (opset 13, input `picture` N×C×H×W, output `logits`). */
export function exportGraph(network: TrainableNetwork, name: string): Graph {
  const initializers = new Map<string, Tensor>();
  const nodes: Node[] = [];
  const counts = new Map<string, number>();
  let value = 'picture';
  let channels = network.picture.channels;
  network.layers.forEach((layer, i) => {
    const emit = (
      operator: string,
      inputs: readonly string[],
      attributes: Record<string, Attribute> = {},
    ): void => {
      const count = (counts.get(operator) ?? 0) + 1;
      counts.set(operator, count);
      const node = `${operator.toLowerCase()}${count}`;
      const output = i === network.layers.length - 1 ? 'logits' : `${node}_out`;
      nodes.push({
        name: node,
        operator,
        inputs,
        outputs: [output],
        attributes: new Map(Object.entries(attributes)),
      });
      value = output;
    };
    const constant = (suffix: string, held: Tensor): string => {
      const label = `layer${i}.${suffix}`;
      initializers.set(label, held);
      return label;
    };
    if (layer instanceof ConvolutionLayer) {
      const { maps, kernel, stride, padding } = layer.geometry;
      const weight = constant('weight', tensor([maps, channels, kernel, kernel], layer.weight.values));
      const bias = constant('bias', tensor([maps], layer.bias.values));
      emit('Conv', [value, weight, bias], {
        kernel_shape: ints(kernel, kernel),
        strides: ints(stride, stride),
        pads: ints(padding, padding, padding, padding),
      });
      channels = maps;
    } else if (layer instanceof DenseLayer) {
      const weight = constant('weight', tensor([layer.inputs, layer.output.units], layer.weight.values));
      emit('Gemm', [value, weight, constant('bias', tensor([layer.output.units], layer.bias.values))]);
      channels = layer.output.units;
    } else if (layer instanceof NormalizationLayer) {
      const held = [layer.scale.values, layer.shift.values, layer.runningMean, layer.runningVariance];
      const labels = ['scale', 'shift', 'mean', 'variance'].map((suffix, k) =>
        constant(suffix, tensor([channels], held[k]!)),
      );
      emit('BatchNormalization', [value, ...labels], { epsilon: { kind: 'float', value: layer.epsilon } });
    } else if (layer instanceof SquareLayer) {
      emit('Mul', [value, value]);
    } else if (layer instanceof FlattenLayer) {
      emit('Flatten', [value]);
      channels = layer.output.units;
    } else if (layer instanceof AverageLayer) {
      emit('AveragePool', [value], {
        kernel_shape: ints(layer.size, layer.size),
        strides: ints(layer.size, layer.size),
      });
    } else {
      throw new NetworkError('NETWORK_TRAINING', `layer ${i} cannot be written as ONNX`);
    }
  });
  const { channels: c, height, width } = network.picture;
  return {
    name,
    opset: 13,
    inputs: [{ name: 'picture', type: 'float32', shape: [-1, c, height, width] }],
    outputs: [{ name: 'logits', type: 'float32', shape: [-1, network.classes] }],
    initializers,
    nodes,
  };
}
