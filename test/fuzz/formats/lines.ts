import type { Dice } from '../dice.ts';
import { INTERESTING_NUMBERS, INTERESTING_TEXTS } from '../interesting.ts';
import { type Format, leaf, type Node } from './node.ts';

const WORD = /[A-Za-z0-9_.-]+|\s+|./gsu;
/** What YAML, URLs and regular expressions take for more than text. */
const SIGNS = [
  ...[
    '&a ',
    '*a',
    '<<: *a',
    '!!binary ',
    '!!set ',
    '!!omap ',
    '!!timestamp ',
    '!!js/function ',
    '? ',
    '- ',
    ': ',
    '|',
    '>',
    '|+9',
    '---',
    '...',
    '%YAML 1.1',
  ],
  ...[
    '{',
    '}',
    '[',
    ']',
    ',',
    '#',
    '"',
    "'",
    '\t',
    '  ',
    '\\x',
    '\\u',
    '@',
    '://',
    '?',
    '=',
    ';',
    '~',
    '0o17',
    '0b1',
    '.inf',
    '.nan',
  ],
];

function tweak(node: Node, dice: Dice): Node {
  if (node.kind === 'text') return node;
  const line = String(node.value);
  const words = line.match(WORD) ?? [''];
  const at = dice.below(words.length);
  switch (dice.below(5)) {
    case 0:
      words[at] = dice.pick(INTERESTING_TEXTS);
      break;
    case 1:
      words[at] = String(dice.pick(INTERESTING_NUMBERS) * (dice.once(4) ? -1n : 1n));
      break;
    case 2:
      words.splice(at, 0, dice.pick(SIGNS));
      break;
    case 3:
      words.splice(at, 1);
      break;
    default:
      return { ...node, value: dice.once(2) ? `  ${line}` : line.replace(/^ {2}/, '') };
  }
  return { ...node, value: words.join('') };
}

/** Text in lines, such as YAML and what programs print. */
export const lines: Format = {
  name: 'lines',
  parse: (bytes) => {
    const children = new TextDecoder()
      .decode(bytes)
      .split('\n')
      .map((line) => leaf('line', line));
    return { kind: 'text', value: null, children };
  },
  write: (node) => {
    const all = node.kind === 'text' ? node.children : [node];
    const shown = all.map((child) =>
      child.kind === 'text' ? child.children.map(({ value }) => value).join('\n') : child.value,
    );
    return new TextEncoder().encode(shown.join('\n'));
  },
  tweak,
  invent: (_, dice) => leaf('line', dice.pick(SIGNS) + dice.pick(INTERESTING_TEXTS)),
};
