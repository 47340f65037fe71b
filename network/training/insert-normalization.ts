import type { Graph, Node, Tensor } from '../model/graph.ts';

/** What {@link insertNormalization} adds. */
export type NormalizedGraph = {
  readonly graph: Graph;
  /** Added to every variance. */
  readonly epsilon: number;
  /** Each normalization: whose values it takes, and the names of its scale, shift, mean and variance. */
  readonly normalizations: readonly {
    readonly input: string;
    readonly scale: string;
    readonly shift: string;
    readonly mean: string;
    readonly variance: string;
  }[];
};

const EPSILON = 1e-5;

/**
 * Puts a batch normalization behind each convolution, which changes nothing until its statistics are set: quadratics are trained safely only
 * where their inputs keep their size, and exporters fold the normalization that a network was trained with. The convolution's bias becomes
 * the shift. `simplifyGraph` folds it back.
 */
export function insertNormalization(given: Graph): NormalizedGraph {
  const initializers = new Map(given.initializers);
  const normalizations: NormalizedGraph['normalizations'][number][] = [];
  const nodes = given.nodes.flatMap((node): Node[] => {
    const [picture = '', weight = '', bias = ''] = node.inputs;
    const kernel = given.initializers.get(weight);
    const known = bias === '' || given.initializers.has(bias);
    if (node.operator !== 'Conv' || kernel === undefined || !known) return [node];
    const maps = kernel.shape[0]!;
    const output = node.outputs[0]!;
    const name = (part: string): string => `${output}:normalized:${part}`;
    const vector = (value: number): Tensor => ({
      type: 'float32',
      shape: [maps],
      data: new Float32Array(maps).fill(value),
    });
    const added = {
      input: name('input'),
      scale: name('scale'),
      shift: name('shift'),
      mean: name('mean'),
      variance: name('variance'),
    };
    normalizations.push(added);
    initializers.set(added.scale, vector(Math.sqrt(1 + EPSILON)));
    const summands = given.initializers.get(bias);
    initializers.set(
      added.shift,
      summands ? { ...vector(0), data: Float32Array.from(summands.data) } : vector(0),
    );
    initializers.set(added.mean, vector(0));
    initializers.set(added.variance, vector(1));
    return [
      { ...node, inputs: [picture, weight], outputs: [added.input] },
      {
        name: name('step'),
        operator: 'BatchNormalization',
        inputs: [added.input, added.scale, added.shift, added.mean, added.variance],
        outputs: [output],
        attributes: new Map([['epsilon', { kind: 'float', value: EPSILON }]]),
      },
    ];
  });
  return { graph: { ...given, nodes, initializers }, epsilon: EPSILON, normalizations };
}
