import { gunzipSync, gzipSync } from 'node:zlib';
import type { Dice } from '../dice.ts';
import { INTERESTING_TEXTS } from '../interesting.ts';
import { type Format, leaf, type Node } from './node.ts';

/* An archive as entries, each a header of 512 bytes and its data; checksums are made right when it is written, for nobody would read on otherwise. */
const BLOCK = 512;
const MAX_BYTES = 2 ** 22;
const TYPES = '\x001234567gxLKSVMNADI';
/** Offset and length of what a header says (POSIX ustar). */
const FIELDS = [
  [0, 100],
  [100, 8],
  [124, 12],
  [136, 12],
  [157, 100],
  [257, 8],
  [345, 155],
] as const;

function parse(bytes: Uint8Array): Node | null {
  let plain: Uint8Array;
  try {
    plain = gunzipSync(bytes, { maxOutputLength: MAX_BYTES });
  } catch {
    return null;
  }
  const children: Node[] = [];
  for (let at = 0; at + BLOCK <= plain.length; ) {
    const header = plain.slice(at, at + BLOCK);
    const size = Number.parseInt(Buffer.from(header.subarray(124, 135)).toString('latin1'), 8) || 0;
    const end = Math.min(plain.length, at + BLOCK + Math.ceil(size / BLOCK) * BLOCK);
    children.push({ kind: 'entry', value: header, children: [leaf('data', plain.slice(at + BLOCK, end))] });
    at = end;
  }
  return { kind: 'archive', value: null, children };
}

function withChecksum(header: Uint8Array): Uint8Array {
  const out = header.slice();
  if (out.every((byte) => byte === 0)) return out;
  out.fill(32, 148, 156);
  const sum = out.reduce((total, byte) => total + byte, 0);
  out.set(Buffer.from(`${sum.toString(8).padStart(6, '0')}\0 `), 148);
  return out;
}

function write(node: Node): Uint8Array {
  const pieces: Uint8Array[] = [];
  const visit = (one: Node) => {
    if (one.value instanceof Uint8Array)
      pieces.push(one.kind === 'entry' ? withChecksum(one.value) : one.value);
    one.children.forEach(visit);
  };
  visit(node);
  return new Uint8Array(gzipSync(Buffer.concat(pieces), { level: 1 }));
}

function tweak(node: Node, dice: Dice): Node {
  if (!(node.value instanceof Uint8Array)) return node;
  const value = node.value.slice();
  if (node.kind === 'data' || value.length !== BLOCK) {
    if (value.length > 0) value[dice.below(value.length)] = dice.below(256);
    return { ...node, value: dice.once(4) ? value.slice(0, dice.below(value.length + 1)) : value };
  }
  const [at, length] = dice.pick(FIELDS);
  switch (dice.below(4)) {
    case 0:
      value[156] = TYPES.charCodeAt(dice.below(TYPES.length));
      break;
    case 1:
      value.fill(0, at, at + length);
      value.set(Buffer.from(dice.pick(INTERESTING_TEXTS)).subarray(0, length), at);
      break;
    case 2:
      value.set(
        Buffer.from(
          dice
            .below(2 ** 31)
            .toString(8)
            .padStart(11, '0'),
        ).subarray(0, length),
        at,
      );
      break;
    default:
      value[dice.below(BLOCK)] = dice.below(256);
  }
  return { ...node, value };
}

/** A tar archive packed by gzip. */
export const tarGz: Format = {
  name: 'tar.gz',
  parse,
  write,
  tweak,
  invent: (_, dice) => leaf('data', new Uint8Array(BLOCK * (1 + dice.below(3)))),
};
