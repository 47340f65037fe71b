import { setImmediate } from 'node:timers/promises';
import { NetworkError } from '#network/errors.ts';
import { accuracyOf } from '#network/model/confusion.ts';
import { type Dataset, pictureValues } from '#network/model/dataset.ts';
import type { Graph, Node, Tensor } from '#network/model/graph.ts';
import { inputShape, runNodes } from '#network/model/run/run.ts';

/** Pictures that run through a graph at once. */
const CHUNK = 50;
/** Maximum number of values observed for one name, evenly thinned. */
const MAX_SAMPLES = 50_000;

/**
 * How far a dataset has been run through a graph that is rewritten from start to end: everything before the front is computed once,
 * however many replacements are tried after it. When every try ran the entire graph, eleven of ResNet-20's nineteen activations took
 * eight minutes.
 */
export class GraphFront {
  readonly #dataset: Dataset;
  readonly #chunks: { readonly pictures: number; readonly values: Map<string, Tensor> }[] = [];
  /** Nodes before the front. */
  #done = 0;

  /** @throws NetworkError NETWORK_SHAPE if the graph takes no pictures of a fixed size. */
  constructor(graph: Graph, dataset: Dataset) {
    this.#dataset = dataset;
    const size = pictureValues(dataset.picture);
    const extents = inputShape(graph).slice(1);
    const input = graph.inputs[0]!;
    const count = dataset.classes.length;
    for (let at = 0; at < count; at += CHUNK) {
      const end = Math.min(at + CHUNK, count);
      const shape = [end - at, ...extents];
      const data = dataset.pictures.subarray(at * size, end * size);
      const values = new Map([[input.name, { type: input.type, shape, data }]]);
      this.#chunks.push({ pictures: end - at, values });
    }
  }

  /** Number of pictures. */
  get pictures(): number {
    return this.#dataset.classes.length;
  }

  /**
   * Advances the front to a node, and forgets what nothing after it reads.
   *
   * @param graph the same as before up to the front.
   */
  async advance(graph: Graph, to: Node): Promise<void> {
    const end = graph.nodes.findIndex((node) => node.outputs[0] === to.outputs[0]);
    const rest = graph.nodes.slice(end);
    const read = new Set([...rest.flatMap((node) => node.inputs), ...graph.outputs.map(({ name }) => name)]);
    for (const { values } of this.#chunks) {
      runNodes(graph, graph.nodes.slice(this.#done, end), values);
      for (const name of values.keys()) if (!read.has(name)) values.delete(name);
      // Lets signals and progress output run.
      await setImmediate();
    }
    this.#done = end;
  }

  /** Values of `names` once `nodes` have run at the front. */
  observe(graph: Graph, nodes: readonly Node[], names: readonly string[]): Float64Array[] {
    const collected = names.map((): number[] => []);
    for (const { pictures, values: before } of this.#chunks) {
      const values = new Map(before);
      runNodes(graph, nodes, values);
      names.forEach((name, i) => {
        const data = values.get(name)?.data ?? unknown(name);
        const all = (data.length * this.pictures) / pictures;
        const stride = Math.max(1, Math.ceil(all / MAX_SAMPLES));
        // A stride coprime to the layout would be even better; an odd one visits all channels and columns.
        for (let k = 0; k < data.length; k += stride | 1) collected[i]!.push(data[k]!);
      });
    }
    return collected.map((values) => Float64Array.from(values));
  }

  /** Share of right answers when `graph`, the same as before up to the front, runs on to its end. */
  async accuracy(graph: Graph): Promise<number> {
    const output = graph.outputs[0]?.name ?? '';
    const logits: number[] = [];
    for (const { values: before } of this.#chunks) {
      const values = new Map(before);
      runNodes(graph, graph.nodes.slice(this.#done), values);
      for (const logit of values.get(output)?.data ?? unknown(output)) logits.push(logit);
      // Lets signals and progress output run.
      await setImmediate();
    }
    return accuracyOf(Float32Array.from(logits), this.#dataset.classes);
  }
}

function unknown(name: string): never {
  throw new NetworkError('NETWORK_SHAPE', `nothing in the network makes the value '${name}'`);
}
