import type { KeyObject } from 'node:crypto';
import type { InterpreterMaterial } from '#fhe';

/** Everything that whoever holds a gateway has. */
export type HeldGateway = {
  readonly name: string;
  readonly signingKey: KeyObject;
  readonly bundle: string;
  readonly material: InterpreterMaterial;
  /** Where logits stand; follows from the program and the compiler, which are public. */
  readonly layout: Int32Array;
  readonly labels: readonly string[];
  readonly regions: number;
};
