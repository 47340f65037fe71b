import type { Dice } from '../dice.ts';

/** A piece of an input whose structure is known; what `kind` and `value` mean is its format's business. */
export type Node = {
  readonly kind: string;
  readonly value: bigint | number | string | Uint8Array | null;
  readonly children: readonly Node[];
};

/** A grammar that inputs are taken apart and put together by. What it writes may be broken on purpose: the parser on trial decides. */
export type Format = {
  readonly name: string;
  /** Null where the bytes are not of this format, in which case they are changed as bytes. */
  parse(bytes: Uint8Array): Node | null;
  write(node: Node): Uint8Array;
  /** Another node of about the same kind, with another value. */
  tweak(node: Node, dice: Dice): Node;
  /** A node that may stand wherever this one does. */
  invent(node: Node, dice: Dice): Node;
};

export function leaf(kind: string, value: Node['value'] = null): Node {
  return { kind, value, children: [] };
}
