import type { Dice } from '../dice.ts';
import { INTERESTING_NUMBERS, INTERESTING_TEXTS } from '../interesting.ts';
import { type Format, leaf, type Node } from './node.ts';

/* JSON as a tree. Kinds: object (children: members), member (value: its key), array, string, and literal (value: its text). */
const MAX_DEPTH = 40;

function fromValue(value: unknown, depth: number): Node {
  if (depth > MAX_DEPTH) throw new RangeError('too deep');
  if (Array.isArray(value)) {
    return { kind: 'array', value: null, children: value.map((one) => fromValue(one, depth + 1)) };
  }
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value).map(
      ([key, one]): Node => ({ kind: 'member', value: key, children: [fromValue(one, depth + 1)] }),
    );
    return { kind: 'object', value: null, children: members };
  }
  if (typeof value === 'string') return leaf('string', value);
  return leaf('literal', String(value));
}

function text(node: Node): string {
  switch (node.kind) {
    case 'object':
      return `{${node.children.map((child) => (child.kind === 'member' ? text(child) : `"x":${text(child)}`)).join(',')}}`;
    case 'member':
      return `${JSON.stringify(node.value)}:${node.children.map(text)[0] ?? 'null'}`;
    case 'array':
      return `[${node.children.map((child) => (child.kind === 'member' ? `{${text(child)}}` : text(child))).join(',')}]`;
    case 'string':
      return JSON.stringify(node.value);
    default:
      return String(node.value);
  }
}

const NUMBERS = [
  '0',
  '-0',
  '-1',
  '0.5',
  '1e400',
  '-1e400',
  '1e-400',
  '5e-324',
  '1.0',
  '1E2',
  '01',
  '.5',
  '+1',
  'NaN',
];
const LITERALS = [
  'null',
  'true',
  'false',
  '{}',
  '[]',
  '""',
  'undefined',
  '"\\ud800"',
  '"\\u0000"',
  '[[[[[[[[]]]]]]]]',
];

function invent(_: Node, dice: Dice): Node {
  switch (dice.below(4)) {
    case 0:
      return leaf('literal', String(dice.pick(INTERESTING_NUMBERS) * (dice.once(4) ? -1n : 1n)));
    case 1:
      return leaf('literal', dice.pick(NUMBERS));
    case 2:
      return leaf('literal', dice.pick(LITERALS));
    default:
      return leaf('string', dice.pick(INTERESTING_TEXTS));
  }
}

function tweak(node: Node, dice: Dice): Node {
  if (node.kind === 'object' || node.kind === 'array') return invent(node, dice);
  if (node.kind === 'literal') return invent(node, dice);
  const value = String(node.value);
  if (dice.once(3)) return { ...node, value: dice.pick(INTERESTING_TEXTS) };
  const at = dice.below(value.length + 1);
  return {
    ...node,
    value: value.slice(0, at) + dice.pick(INTERESTING_TEXTS) + value.slice(at + dice.below(3)),
  };
}

/** JSON (RFC 8259), and what looks like it. */
export const json: Format = {
  name: 'json',
  parse: (bytes) => {
    try {
      return fromValue(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)), 0);
    } catch {
      return null;
    }
  },
  write: (node) => new TextEncoder().encode(text(node)),
  tweak,
  invent,
};
