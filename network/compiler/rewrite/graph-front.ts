import { setImmediate } from 'node:timers/promises';
import { NetworkError } from '#network/errors.ts';
import { accuracyOf } from '#network/model/confusion.ts';
import { type Dataset, pictureValues } from '#network/model/dataset.ts';
import type { Graph, Node, Tensor } from '#network/model/graph.ts';
import { inputShape, runNodes } from '#network/model/run/run.ts';

/** Pictures that run through a graph at once. */
const CHUNK = 50;
/** Values of one name that are observed, at most, evenly thinned. */
const MAX_SAMPLES = 50_000;

/**
 * Where a dataset has got to in a graph that is rewritten from its start to its end: what lies before the front is computed once, however
 * many replacements are tried behind it. When every try ran the whole graph, eleven of ResNet-20's nineteen activations took eight minutes.
 */
export class GraphFront {
  readonly #dataset: Dataset;
  readonly #chunks: { readonly pictures: number; readonly values: Map<string, Tensor> }[] = [];
  /** Nodes that lie before the front. */
  #done = 0;

  /** @throws NetworkError NETWORK_SHAPE where the graph takes no pictures of a fixed size. */
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

  /** How many pictures there are. */
  get pictures(): number {
    return this.#dataset.classes.length;
  }

  /**
   * Moves the front on to a node, and forgets what nothing behind it reads.
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
        // A stride that shares no factor with the layout would be better still; an odd one visits all channels and columns.
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
