import type { Workspace } from '#network/model/kernel/workspace.ts';
import type { Call } from '../../model/operators/operator.ts';

/** A tensor of a graph in training: float32, row-major, in the kernel's workspace. */
export type TrainedValue = {
  readonly shape: readonly number[];
  readonly values: Float32Array;
  /** Gradient of the loss by the values; missing if nothing before it is trained. */
  readonly gradients: Float32Array | undefined;
};

/** What a forward pass is for. */
export type Pass = {
  /** Whether normalization goes by the batch, and its running statistics follow. */
  training: boolean;
  /** Whether quadratics are kept from inputs far out (`ChangingActivation.limit`). */
  clamped: boolean;
};

/** One node of a graph with its place in memory. */
export type NodeSite = {
  /** The node with tensors of the right shapes: attributes and integer inputs are read from it. */
  readonly call: Call;
  /** In the node's order; nothing for inputs that are omitted or integers. */
  readonly inputs: readonly (TrainedValue | undefined)[];
  readonly output: TrainedValue & { readonly gradients: Float32Array };
  readonly workspace: Workspace;
  readonly pass: Pass;
};

/** A node that is ready to run, forward and backward. */
export type NodeStep = {
  /** Writes the output's values. */
  readonly forward: () => void;
  /** Adds to the gradients of the inputs that have one. */
  readonly backward: () => void;
};

/** Prepares one operator. */
export type NodeRule = (site: NodeSite) => NodeStep;

/** A required input of an operator. */
export function inputOf({ call, inputs }: NodeSite, index: number): TrainedValue {
  return inputs[index] ?? call.refuse(`input ${index} is not a tensor of floats`);
}
