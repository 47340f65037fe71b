import { NetworkError } from '#network/errors.ts';
import { type Node, nodeTitle } from '#network/model/graph.ts';
import { type Replacement, scalar } from './replace-nodes.ts';

/** Slope and offset of max ≈ slope · mean + offset over observed windows, by least squares. */
export type PoolingFit = { readonly slope: number; readonly offset: number; readonly typicalError: number };

/** Fits observed maxima by observed means of the same windows. */
export function fitMaxPooling(means: ArrayLike<number>, maxima: ArrayLike<number>): PoolingFit {
  const count = means.length;
  let [x, y, xx, xy] = [0, 0, 0, 0];
  for (let i = 0; i < count; i++) {
    x += means[i]! / count;
    y += maxima[i]! / count;
    xx += means[i]! ** 2 / count;
    xy += (means[i]! * maxima[i]!) / count;
  }
  const variance = xx - x * x;
  const slope = variance > 0 ? (xy - x * y) / variance : 1;
  const offset = y - slope * x;
  let squares = 0;
  for (let i = 0; i < count; i++) squares += (slope * means[i]! + offset - maxima[i]!) ** 2;
  return { slope, offset, typicalError: Math.sqrt(squares / count) };
}

/** The AveragePool over the same windows as a MaxPool. */
export function averageOf(node: Node, output: string): Node {
  if (node.outputs.length > 1) {
    throw new NetworkError(
      'NETWORK_OPERATOR',
      `${nodeTitle(node)}: indices of maxima cannot be encrypted; drop that output`,
    );
  }
  const attributes = new Map([...node.attributes].filter(([name]) => name !== 'storage_order'));
  return {
    name: `${node.name || output}:mean`,
    operator: 'AveragePool',
    inputs: node.inputs,
    outputs: [output],
    attributes,
  };
}

/**
 * Replaces a maximum by slope · mean + offset: linear, so it costs nothing once merged with its neighbours. Approximate;
 * `fit.typicalError` is the error on the calibration data.
 */
export function replaceMaxPooling(node: Node, fit: PoolingFit): Replacement {
  const output = node.outputs[0]!;
  const step = (operator: string, input: string, constant: string, to: string): Node => ({
    name: `${node.name || output}:${operator}`,
    operator,
    inputs: [input, constant],
    outputs: [to],
    attributes: new Map(),
  });
  return {
    nodes: [
      averageOf(node, `${output}:mean`),
      step('Mul', `${output}:mean`, `${output}:slope`, `${output}:scaled`),
      step('Add', `${output}:scaled`, `${output}:offset`, output),
    ],
    initializers: { [`${output}:slope`]: scalar(fit.slope), [`${output}:offset`]: scalar(fit.offset) },
  };
}
