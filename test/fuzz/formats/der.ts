import type { Dice } from '../dice.ts';
import { type Format, leaf, type Node } from './node.ts';

/* DER (X.690) as a tree. The kind is the tag byte; constructed values and what looks like them within strings have children, others bytes. */
const MAX_DEPTH = 16;

function elements(bytes: Uint8Array, depth: number): Node[] | null {
  const found: Node[] = [];
  let at = 0;
  while (at < bytes.length) {
    const tag = bytes[at]!;
    let length = bytes[at + 1];
    if (length === undefined || (tag & 31) === 31) return null;
    at += 2;
    if (length >= 128) {
      const size = length & 127;
      if (size < 1 || size > 3) return null;
      length = bytes.subarray(at, at + size).reduce((sum, byte) => sum * 256 + byte, 0);
      at += size;
    }
    if (at + length > bytes.length) return null;
    const content = bytes.slice(at, at + length);
    at += length;
    const inner = (tag & 32) > 0 && depth < MAX_DEPTH ? elements(content, depth + 1) : null;
    found.push(
      inner === null ? leaf(String(tag), content) : { kind: String(tag), value: null, children: inner },
    );
  }
  return found;
}

function write(node: Node): Uint8Array {
  const content = node.value instanceof Uint8Array ? node.value : Buffer.concat(node.children.map(write));
  if (node.kind === 'root') return new Uint8Array(content);
  const { length } = content;
  const head =
    length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, (length >> 8) & 255, length & 255];
  return new Uint8Array(Buffer.concat([Uint8Array.of(Number(node.kind), ...head), content]));
}

function tweak(node: Node, dice: Dice): Node {
  if (node.kind === 'root') return node;
  if (!(node.value instanceof Uint8Array) || dice.once(6))
    return { ...node, kind: String(dice.pick([2, 3, 4, 5, 6, 12, 19, 23, 48, 49, 160, 161])) };
  const other = node.value.slice(0, dice.once(3) ? dice.below(node.value.length + 1) : node.value.length);
  if (other.length > 0) other[dice.below(other.length)] = dice.below(256);
  return { ...node, value: other };
}

/** DER: certificates and requests for them. */
export const der: Format = {
  name: 'der',
  parse: (bytes) => {
    const children = elements(bytes, 0);
    return children === null ? null : { kind: 'root', value: null, children };
  },
  write,
  tweak,
  invent: (_, dice) => leaf(String(dice.pick([1, 2, 3, 4, 5, 6, 12, 19, 23])), dice.bytes(dice.below(40))),
};
