import type { Dice } from '../dice.ts';
import { INTERESTING_NUMBERS, INTERESTING_TEXTS } from '../interesting.ts';
import { type Format, leaf, type Node } from './node.ts';

/*
 * Protocol buffers without a schema. The root is a `message`; its children are fields, whose kind is their wire type and number: varint:3, fixed64:1,
 * bytes:7, message:7 (bytes that are fields themselves), fixed32:2.
 */
const MAX_FIELD = 200;
const MAX_DEPTH = 10;
const encoder = new TextEncoder();

function readVarint(bytes: Uint8Array, from: number): { value: bigint; at: number } {
  let value = 0n;
  for (let at = from; at < from + 10; at++) {
    const byte = bytes[at];
    if (byte === undefined) break;
    value |= BigInt(byte & 127) << BigInt(7 * (at - from));
    if (byte < 128) return { value, at: at + 1 };
  }
  throw new RangeError('cut off');
}

function fields(bytes: Uint8Array, depth: number): Node[] {
  const found: Node[] = [];
  let at = 0;
  const take = (length: number) => {
    if (at + length > bytes.length) throw new RangeError('cut off');
    at += length;
    return bytes.slice(at - length, at);
  };
  while (at < bytes.length) {
    const tag = readVarint(bytes, at);
    at = tag.at;
    const field = Number(tag.value >> 3n);
    if (field < 1 || field > MAX_FIELD) throw new RangeError('not likely a field');
    switch (Number(tag.value & 7n)) {
      case 0: {
        const number = readVarint(bytes, at);
        at = number.at;
        found.push(leaf(`varint:${field}`, number.value));
        break;
      }
      case 1:
        found.push(leaf(`fixed64:${field}`, take(8)));
        break;
      case 2: {
        const length = readVarint(bytes, at);
        at = length.at;
        const content = take(Number(length.value));
        const inner = content.length > 1 && depth < MAX_DEPTH ? tryFields(content, depth + 1) : null;
        if (inner === null) found.push(leaf(`bytes:${field}`, content));
        else found.push({ kind: `message:${field}`, value: null, children: inner });
        break;
      }
      case 5:
        found.push(leaf(`fixed32:${field}`, take(4)));
        break;
      default:
        throw new RangeError('groups are not read');
    }
  }
  return found;
}

function tryFields(bytes: Uint8Array, depth: number): Node[] | null {
  try {
    return fields(bytes, depth);
  } catch {
    return null;
  }
}

function varint(value: bigint): Uint8Array {
  const out: number[] = [];
  let left = value & (2n ** 64n - 1n);
  do {
    out.push(Number(left & 127n) | (left > 127n ? 128 : 0));
    left >>= 7n;
  } while (left > 0n);
  return Uint8Array.from(out);
}

function write(node: Node): Uint8Array {
  const [wire, number = '1'] = node.kind.split(':');
  if (wire === 'root') return new Uint8Array(Buffer.concat(node.children.map(write)));
  const type = { varint: 0, fixed64: 1, bytes: 2, message: 2, fixed32: 5 }[wire ?? ''] ?? 7;
  const tag = varint((BigInt(number) << 3n) | BigInt(type));
  if (type === 0) return new Uint8Array(Buffer.concat([tag, varint(node.value as bigint)]));
  const content = wire === 'message' ? Buffer.concat(node.children.map(write)) : (node.value as Uint8Array);
  const length = type === 2 ? varint(BigInt(content.length)) : new Uint8Array();
  return new Uint8Array(Buffer.concat([tag, length, content]));
}

function invent(node: Node, dice: Dice): Node {
  const number = dice.once(2) ? (node.kind.split(':')[1] ?? '1') : String(1 + dice.below(28));
  switch (dice.below(4)) {
    case 0:
      return leaf(`varint:${number}`, dice.pick(INTERESTING_NUMBERS));
    case 1:
      return leaf(`bytes:${number}`, encoder.encode(dice.pick(INTERESTING_TEXTS)));
    case 2:
      return leaf(`fixed32:${number}`, dice.bytes(4));
    default:
      return { kind: `message:${number}`, value: null, children: [] };
  }
}

function tweak(node: Node, dice: Dice): Node {
  const { value } = node;
  if (dice.once(8) && node.kind !== 'root')
    return { ...node, kind: node.kind.replace(/\d+$/, String(1 + dice.below(28))) };
  if (typeof value === 'bigint') {
    const near = value + BigInt(dice.below(3) - 1);
    return { ...node, value: dice.once(2) ? dice.pick(INTERESTING_NUMBERS) : near < 0n ? 0n : near };
  }
  if (value instanceof Uint8Array) {
    if (dice.once(3)) return { ...node, value: encoder.encode(dice.pick(INTERESTING_TEXTS)) };
    const other = value.slice(
      0,
      node.kind.startsWith('bytes') && dice.once(3) ? dice.below(value.length + 1) : value.length,
    );
    if (other.length > 0) other[dice.below(other.length)] = dice.below(256);
    return { ...node, value: other };
  }
  return node.kind === 'root' ? node : invent(node, dice);
}

/** Protocol buffers, whatever they mean. */
export const protobuf: Format = {
  name: 'protobuf',
  parse: (bytes) => {
    const children = tryFields(bytes, 0);
    return children === null ? null : { kind: 'root', value: null, children };
  },
  write,
  tweak,
  invent,
};
