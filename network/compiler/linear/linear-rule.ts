import type { Call } from '#network/model/operators/operator.ts';
import type { Affine } from './affine.ts';

/** A linear map and its output shape. */
export type LinearMap = { readonly affine: Affine; readonly shape: readonly number[] };

/** Turns a node that is linear in one input into a matrix. `input` is that input's position and shape. */
export type LinearRule = (call: Call, input: LinearInput) => LinearMap;

/** The variable input of a node; `withData` is the call with these numbers in its place. */
export type LinearInput = {
  readonly position: number;
  readonly shape: readonly number[];
  readonly withData: (data: Float64Array) => Call;
};
