import type { Dice } from '../dice.ts';
import { INTERESTING_NUMBERS, INTERESTING_TEXTS } from '../interesting.ts';
import { type Format, leaf, type Node } from './node.ts';

/*
 * CBOR (RFC 8949) as a tree. Kinds: uint, nint, bytes, text, array, map (children: key, value, key, value …), tag (value: its number), simple and float
 * (value: the bytes as they are), inner (a byte string that is CBOR itself), and long-… for heads that are longer than they need to be.
 */
const MAJOR: Readonly<Record<string, number>> = {
  uint: 0,
  nint: 1,
  bytes: 2,
  text: 3,
  array: 4,
  map: 5,
  tag: 6,
  inner: 2,
};
const MAX_DEPTH = 12;

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  #take(length: number): Uint8Array {
    if (this.#at + length > this.#bytes.length) throw new RangeError('cut off');
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  item(depth: number): Node {
    const start = this.#at;
    const first = this.#take(1)[0]!;
    const info = first & 31;
    if (info > 27 || depth > MAX_DEPTH) throw new RangeError('not plain');
    const width = info < 24 ? 0 : 2 ** (info - 24);
    let value = BigInt(info);
    if (width > 0) value = this.#take(width).reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);
    const count = Number(value);
    const items = (length: number) =>
      Array.from({ length: this.#atMost(length) }, () => this.item(depth + 1));
    switch (first >> 5) {
      case 0:
        return leaf('uint', value);
      case 1:
        return leaf('nint', value);
      case 2:
        return bytesNode(this.#take(count), depth);
      case 3:
        return leaf('text', decoder.decode(this.#take(count)));
      case 4:
        return { kind: 'array', value: null, children: items(count) };
      case 5:
        return { kind: 'map', value: null, children: items(2 * count) };
      case 6:
        return { kind: 'tag', value, children: items(1) };
      default:
        return leaf('simple', this.#bytes.slice(start, this.#at));
    }
  }

  #atMost(length: number): number {
    if (length > this.#bytes.length) throw new RangeError('cut off');
    return length;
  }
}

function bytesNode(bytes: Uint8Array, depth: number): Node {
  const inner = bytes.length > 1 && bytes[0]! >= 0x80 ? parse(bytes, depth + 1) : null;
  return inner === null ? leaf('bytes', bytes.slice()) : { kind: 'inner', value: null, children: [inner] };
}

function parse(bytes: Uint8Array, depth = 0): Node | null {
  try {
    const reader = new Reader(bytes);
    const node = reader.item(depth);
    return reader.isAtEnd ? node : null;
  } catch {
    return null;
  }
}

/** @param width of the number in bytes; the shortest where it does not fit */
function head(major: number, value: bigint, width: number): Uint8Array {
  const least = value < 24n ? 0 : value < 256n ? 1 : value < 65_536n ? 2 : value < 2n ** 32n ? 4 : 8;
  const bytes = Math.max(least, width);
  if (bytes === 0) return Uint8Array.of((major << 5) | Number(value));
  const out = new Uint8Array(1 + bytes);
  out[0] = (major << 5) | (24 + Math.log2(bytes));
  for (let i = bytes, left = value; i > 0; i--, left >>= 8n) out[i] = Number(left & 255n);
  return out;
}

function writeTo(pieces: Uint8Array[], node: Node): void {
  const [, long, kind = ''] = /^(long-)?(.*)$/.exec(node.kind)!;
  const width = long === undefined ? 0 : 8;
  const major = MAJOR[kind] ?? 7;
  const own = (count: number) => pieces.push(head(major, BigInt(count), width));
  switch (kind) {
    case 'uint':
    case 'nint':
      pieces.push(head(major, node.value as bigint, width));
      return;
    case 'bytes':
    case 'text': {
      const content =
        typeof node.value === 'string' ? encoder.encode(node.value) : (node.value as Uint8Array);
      own(content.length);
      pieces.push(content);
      return;
    }
    case 'inner': {
      const content = Buffer.concat(node.children.map(write));
      own(content.length);
      pieces.push(content);
      return;
    }
    case 'open':
      // Of indefinite length, until the break.
      pieces.push(Uint8Array.of(0x9f));
      for (const child of node.children) writeTo(pieces, child);
      pieces.push(Uint8Array.of(0xff));
      return;
    case 'array':
    case 'map':
      own(kind === 'map' ? Math.floor(node.children.length / 2) : node.children.length);
      for (const child of node.children) writeTo(pieces, child);
      return;
    case 'tag':
      pieces.push(head(major, node.value as bigint, width));
      for (const child of node.children) writeTo(pieces, child);
      return;
    default:
      pieces.push(node.value as Uint8Array);
  }
}

function write(node: Node): Uint8Array {
  const pieces: Uint8Array[] = [];
  writeTo(pieces, node);
  return new Uint8Array(Buffer.concat(pieces));
}

const float = (value: number): Node => {
  const bytes = new Uint8Array(9);
  bytes[0] = 0xfb;
  new DataView(bytes.buffer).setFloat64(1, value);
  return leaf('simple', bytes);
};

function invent(_: Node, dice: Dice): Node {
  switch (dice.below(9)) {
    case 0:
      return leaf('nint', dice.pick(INTERESTING_NUMBERS));
    case 1:
      return leaf('bytes', dice.bytes(dice.pick([0, 1, 31, 32, 33, 64])));
    case 2:
      return leaf('text', dice.pick(INTERESTING_TEXTS));
    case 3:
      return { kind: dice.pick(['array', 'map', 'open']), value: null, children: [] };
    case 4:
      return { kind: 'tag', value: dice.pick(INTERESTING_NUMBERS), children: [leaf('uint', 1n)] };
    case 5:
      return leaf('simple', Uint8Array.of(0xe0 + dice.below(32)));
    case 6:
      return float(
        dice.pick([0, -0, 0.5, -1, 1e300, 2 ** 53, Number.MIN_VALUE, Number.NaN, Number.POSITIVE_INFINITY]),
      );
    default:
      return leaf('uint', dice.pick(INTERESTING_NUMBERS));
  }
}

function tweak(node: Node, dice: Dice): Node {
  if (dice.once(16)) return { ...node, kind: `long-${node.kind.replace('long-', '')}` };
  const { value } = node;
  if (typeof value === 'bigint') {
    const near = value + BigInt(dice.below(3) - 1);
    return {
      ...node,
      value: dice.once(2) ? dice.pick(INTERESTING_NUMBERS) : near < 0n ? 0n : near & (2n ** 64n - 1n),
    };
  }
  if (typeof value === 'string') {
    const at = dice.below(value.length + 1);
    const piece = dice.pick(INTERESTING_TEXTS);
    return {
      ...node,
      value: dice.once(3) ? piece : value.slice(0, at) + piece + value.slice(at + dice.below(3)),
    };
  }
  if (value instanceof Uint8Array && node.kind.endsWith('bytes')) {
    const other = value.slice(0, dice.once(3) ? dice.below(value.length + 1) : value.length);
    if (other.length > 0) other[dice.below(other.length)] = dice.below(256);
    return { ...node, value: other };
  }
  if (node.kind === 'array') return { ...node, kind: 'open' };
  return invent(node, dice);
}

/** CBOR, also within byte strings. */
export const cbor: Format = { name: 'cbor', parse, write, tweak, invent };
