import type { Workspace } from '#network/model/kernel/workspace.ts';
import type { Call } from '../../model/operators/operator.ts';

/** A tensor of a graph that is trained: float32, row-major, in the workspace of the kernel. */
export type TrainedValue = {
  readonly shape: readonly number[];
  readonly values: Float32Array;
  /** Gradient of the loss by the values; missing where nothing before it is trained. */
  readonly gradients: Float32Array | undefined;
};

/** One node of a graph with its place in memory. */
export type NodeSite = {
  /** The node with tensors of the right shapes: attributes and integer inputs are read from it. */
  readonly call: Call;
  /** In the node's order; nothing for inputs that were left out or are integers. */
  readonly inputs: readonly (TrainedValue | undefined)[];
  readonly output: TrainedValue & { readonly gradients: Float32Array };
  readonly workspace: Workspace;
};

/** A node that is ready to run, forth and back. */
export type NodeStep = {
  /** Writes the output's values. */
  readonly forward: () => void;
  /** Adds to the gradients of the inputs that have some. */
  readonly backward: () => void;
};

/** Readies one operator. */
export type NodeRule = (site: NodeSite) => NodeStep;

/** An input that an operator cannot do without. */
export function inputOf({ call, inputs }: NodeSite, index: number): TrainedValue {
  return inputs[index] ?? call.refuse(`input ${index} is not a tensor of floats`);
}
