import type { Attribute, Graph, Node, Tensor } from '../model/graph.ts';
import { keyedNormals } from './keyed-normals.ts';
import { constantOf, weightTensors } from './weight-tensors.ts';

/** Size of a fingerprint: its standard deviation in units of that of the tensor's weights. */
export const MARK_STRENGTH = 0.005;

/** Standard deviation of the weights that are not zero; zeros are structure, or were pruned. */
function deviationOf(values: ArrayLike<number>): number {
  let [count, sum, squares] = [0, 0, 0];
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (value === 0) continue;
    count++;
    sum += value;
    squares += value * value;
  }
  return count === 0 ? 0 : Math.sqrt(Math.max(0, squares / count - (sum / count) ** 2));
}

function markTensor(name: string, tensor: Tensor, key: Uint8Array): Tensor {
  const normals = keyedNormals(key, name, tensor.data.length);
  const amplitude = MARK_STRENGTH * deviationOf(tensor.data);
  const data = tensor.data.slice();
  for (let i = 0; i < data.length; i++) if (data[i] !== 0) data[i] = data[i]! + amplitude * normals[i]!;
  return { ...tensor, data };
}

/**
 * Puts a fingerprint into a network: adds to every weight of its convolutions and matrix products a tiny amount that only the holder of
 * the key can predict (spread spectrum: Cox, Kilian, Leighton, Shamoon 1997). Amounts are normal, not ±1, so that whoever has several
 * copies gains no more from picking, at each weight, the smallest, the rarest or the middle value than from their mean. Zeros stay zeros,
 * and a layer whose weights are all equal stays as it is. The same network and key give the same result on every machine.
 *
 * @param key at least 16 secret bytes.
 */
export function markGraph(graph: Graph, key: Uint8Array): Graph {
  const marked = new Map(
    weightTensors(graph).map(({ name, tensor }) => [name, markTensor(name, tensor, key)]),
  );
  const initializers = new Map(graph.initializers);
  for (const [name, tensor] of marked) if (initializers.has(name)) initializers.set(name, tensor);
  const nodes = graph.nodes.map((node): Node => {
    const tensor = constantOf(node) === null ? undefined : marked.get(node.outputs[0] ?? '');
    if (tensor === undefined) return node;
    const value: Attribute = { kind: 'tensor', value: tensor };
    return { ...node, attributes: new Map([...node.attributes, ['value', value]]) };
  });
  return { ...graph, initializers, nodes };
}
