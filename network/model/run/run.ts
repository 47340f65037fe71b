import { NetworkError } from '#network/errors.ts';
import { type Graph, type Node, sizeOf, type Tensor } from '../graph.ts';
import { Call } from '../operators/operator.ts';
import { RunMeter } from '../operators/run-meter.ts';
import { operatorOf } from '../operators/table.ts';
import { openBatch } from './open-batch.ts';

/** The shape of the one picture that a graph takes, batch dimension first; an open batch is 1. */
export function inputShape(graph: Graph): number[] {
  const input = graph.inputs[0];
  if (graph.inputs.length !== 1 || input === undefined) {
    throw new NetworkError(
      'NETWORK_SHAPE',
      `the network has ${graph.inputs.length} inputs, expected one picture`,
    );
  }
  if (input.shape === null || input.shape.slice(1).some((extent) => extent < 0)) {
    throw new NetworkError(
      'NETWORK_SHAPE',
      `input '${input.name}' has an open shape; export the network with a fixed picture size`,
    );
  }
  return input.shape.map((extent) => (extent < 0 ? 1 : extent));
}

/**
 * Runs some nodes of a graph in turn, in float64.
 *
 * @param values known values by name; initializers may be missing, and the nodes' results are added.
 * @throws NetworkError NETWORK_OPERATOR if a node is not supported or its shapes do not fit; NETWORK_TOO_LARGE if it takes too much memory or time.
 */
export function runNodes(graph: Graph, nodes: readonly Node[], values: Map<string, Tensor>): void {
  const meter = new RunMeter();
  for (const node of nodes) {
    const operator = operatorOf(node);
    const call: Call = new Call(
      node,
      graph.opset,
      node.inputs.map((name) =>
        name === '' ? undefined : (values.get(name) ?? graph.initializers.get(name)),
      ),
      meter,
    );
    const outputs = operator.run(call);
    node.outputs.forEach((name, i) => {
      if (name === '') return;
      const output = outputs[i];
      if (output === undefined) call.refuse(`output ${i} is not supported`);
      values.set(name, output);
    });
  }
}

/**
 * Runs a graph on named tensors, in float64, and returns every value that it makes, by name.
 *
 * @throws NetworkError NETWORK_OPERATOR if a node is not supported or its shapes do not fit.
 */
export function evaluateGraph(graph: Graph, inputs: ReadonlyMap<string, Tensor>): Map<string, Tensor> {
  const values = new Map<string, Tensor>([...graph.initializers, ...inputs]);
  runNodes(graph, graph.nodes, values);
  return values;
}

/**
 * Runs a network with one input and one output in the clear.
 *
 * @param values the input, row-major: one picture or several, whatever batch the graph was exported for.
 * @returns the first output, flattened.
 * @throws NetworkError NETWORK_SHAPE, NETWORK_OPERATOR.
 */
export function runGraph(given: Graph, values: Float32Array): Float32Array {
  const graph = openBatch(given);
  const shape = inputShape(graph);
  const picture = sizeOf(shape.slice(1));
  const batch = values.length / picture;
  if (!Number.isInteger(batch) || batch < 1) {
    throw new NetworkError(
      'NETWORK_SHAPE',
      `${values.length} values for pictures of ${shape.slice(1).join('×')}`,
    );
  }
  const input = graph.inputs[0]!;
  const tensor: Tensor = { type: input.type, shape: [batch, ...shape.slice(1)], data: values };
  const output = graph.outputs[0];
  if (output === undefined) throw new NetworkError('NETWORK_SHAPE', 'the network has no output');
  return Float32Array.from(evaluateGraph(graph, new Map([[input.name, tensor]])).get(output.name)!.data);
}
