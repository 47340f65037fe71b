import type { Attribute, Graph, Node, Tensor } from '#network/model/graph.ts';

/** Repeatable numbers in [−1, 1) with 24 random bits each. */
function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state >>> 8) / 2 ** 23 - 1;
  };
}

const ints = (...value: number[]): Attribute => ({ kind: 'ints', value });

function node(
  operator: string,
  inputs: string[],
  output: string,
  attributes: Record<string, Attribute> = {},
): Node {
  return {
    name: output,
    operator,
    inputs,
    outputs: [output],
    attributes: new Map(Object.entries(attributes)),
  };
}

/** A maker of tensors of repeatable numbers in [−size, size). */
function tensorsOf(seed: number): (shape: readonly number[], size: number) => Tensor {
  const next = random(seed);
  return (shape, size) => ({
    type: 'float32',
    shape,
    data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => next() * size),
  });
}

/** An untrained network conv 3×3 · 3 → square → dense 4 → square → dense 2 on a picture of 1×9×9. */
export function makeSmallGraph(seed: number): Graph {
  const tensor = tensorsOf(seed);
  const transposed = { transB: { kind: 'int', value: 1 } as const };
  return {
    name: 'small',
    opset: 13,
    inputs: [{ name: 'picture', type: 'float32', shape: [1, 1, 9, 9] }],
    outputs: [{ name: 'logits', type: 'float32', shape: [1, 2] }],
    initializers: new Map([
      ['w0', tensor([3, 1, 3, 3], 0.3)],
      ['b0', tensor([3], 0.3)],
      ['w1', tensor([4, 27], 0.2)],
      ['b1', tensor([4], 0.2)],
      ['w2', tensor([2, 4], 0.5)],
      ['b2', tensor([2], 0.5)],
    ]),
    nodes: [
      node('Conv', ['picture', 'w0', 'b0'], 'conv', { kernel_shape: ints(3, 3), strides: ints(3, 3) }),
      node('Mul', ['conv', 'conv'], 'square0'),
      node('Flatten', ['square0'], 'flat'),
      node('Gemm', ['flat', 'w1', 'b1'], 'dense1', transposed),
      node('Mul', ['dense1', 'dense1'], 'square1'),
      node('Gemm', ['square1', 'w2', 'b2'], 'logits', transposed),
    ],
  };
}

/** An untrained network conv 4×4 · 4 → square → conv 3×3 · 1 on a picture of 1×12×16: a map of 6 × 8 cells. */
export function makeSmallMap(seed: number): Graph {
  const tensor = tensorsOf(seed);
  return {
    name: 'small-map',
    opset: 13,
    inputs: [{ name: 'picture', type: 'float32', shape: [1, 1, 12, 16] }],
    outputs: [{ name: 'map', type: 'float32', shape: [1, 1, 6, 8] }],
    initializers: new Map([
      ['w0', tensor([4, 1, 4, 4], 0.5)],
      ['b0', tensor([4], 0.2)],
      ['w1', tensor([1, 4, 3, 3], 0.5)],
      ['b1', tensor([1], 0.2)],
    ]),
    nodes: [
      node('Conv', ['picture', 'w0', 'b0'], 'conv', {
        kernel_shape: ints(4, 4),
        strides: ints(2, 2),
        pads: ints(1, 1, 1, 1),
      }),
      node('Mul', ['conv', 'conv'], 'square'),
      node('Conv', ['square', 'w1', 'b1'], 'map', { kernel_shape: ints(3, 3), pads: ints(1, 1, 1, 1) }),
    ],
  };
}
