import type { Graph, Tensor } from '../model/graph.ts';
import { keyedNormals } from './keyed-normals.ts';
import { deviationOf, markAmplitudes } from './mark-amplitudes.ts';
import { type WeightTensor, weightTensors } from './weight-tensors.ts';
import { withWeights } from './with-weights.ts';

function markTensor({ name, tensor }: WeightTensor, share: number, key: Uint8Array): Tensor {
  const normals = keyedNormals(key, name, tensor.data.length);
  const amplitude = share * deviationOf(tensor.data);
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
  const tensors = weightTensors(graph);
  const amplitudes = markAmplitudes(tensors);
  const marked = new Map(
    tensors.map((weights, i) => [weights.name, markTensor(weights, amplitudes[i]!, key)]),
  );
  return withWeights(graph, marked);
}
