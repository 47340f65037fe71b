import { type Dataset, pictureValues } from '../datasets/dataset.ts';
import { NetworkError } from '../errors.ts';
import type { Graph, Node, Tensor } from '../model/graph.ts';
import { runNodes } from '../model/run.ts';
import { accuracyOf } from '../training/train.ts';

/** Pictures that run through a graph at once. */
const CHUNK = 50;
/** Values of one name that are observed, at most, evenly thinned. */
const MAX_SAMPLES = 50_000;

/**
 * Where a dataset has got to in a graph that is rewritten from its start to its end: what lies before the front is computed once, however
 * many replacements are tried behind it. ResNet-20's nineteen activations took 14 minutes when every try ran the whole graph.
 */
export class GraphFront {
  readonly #dataset: Dataset;
  readonly #chunks: Map<string, Tensor>[] = [];
  /** Nodes that lie before the front. */
  #done = 0;

  constructor(graph: Graph, dataset: Dataset) {
    this.#dataset = dataset;
    const size = pictureValues(dataset.picture);
    const input = graph.inputs[0]!;
    const count = dataset.classes.length;
    for (let at = 0; at < count; at += CHUNK) {
      const end = Math.min(at + CHUNK, count);
      const shape = [end - at, ...input.shape!.slice(1)];
      const data = dataset.pictures.subarray(at * size, end * size);
      this.#chunks.push(new Map([[input.name, { type: input.type, shape, data }]]));
    }
  }

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
    for (const values of this.#chunks) {
      runNodes(graph, graph.nodes.slice(this.#done, end), values);
      for (const name of values.keys()) if (!read.has(name)) values.delete(name);
      await breathe();
    }
    this.#done = end;
  }

  /** Values of `names` once `nodes` have run at the front. */
  observe(graph: Graph, nodes: readonly Node[], names: readonly string[]): Float64Array[] {
    const collected = names.map((): number[] => []);
    for (const chunk of this.#chunks) {
      const values = new Map(chunk);
      runNodes(graph, nodes, values);
      names.forEach((name, i) => {
        const data = values.get(name)?.data ?? unknown(name);
        const stride = Math.max(1, Math.ceil((data.length * this.#chunks.length) / MAX_SAMPLES));
        // A stride that shares no factor with the layout would be better still; an odd one visits all channels and columns.
        for (let k = 0; k < data.length; k += stride | 1) collected[i]!.push(data[k]!);
      });
    }
    return collected.map((values) => Float64Array.from(values));
  }

  /** Share of right answers when `graph`, the same as before up to the front, runs on to its end. */
  async accuracy(graph: Graph): Promise<number> {
    const output = graph.outputs[0]!.name;
    const logits: number[] = [];
    for (const chunk of this.#chunks) {
      const values = new Map(chunk);
      runNodes(graph, graph.nodes.slice(this.#done), values);
      for (const logit of values.get(output)?.data ?? unknown(output)) logits.push(logit);
      await breathe();
    }
    return accuracyOf(Float32Array.from(logits), this.#dataset.classes);
  }
}

function unknown(name: string): never {
  throw new NetworkError('NETWORK_SHAPE', `nothing in the network makes the value '${name}'`);
}

/** Lets signals and progress output run. */
async function breathe(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}
