import { analyse } from 'scslre';
import { expect, it } from 'vitest';
import { isTest, readSource, repositoryFiles } from './source-files.ts';
import { parseSource, type SyntaxNode, walk } from './syntax.ts';

/** Those that see nothing but the sources of this repository, or a text whose length their caller bounds. */
const SHORT_TEXTS_ONLY = [
  // Cells of a page of ours.
  'bench/costs/read-results.ts: ^\\|\\s*',
  // A folder that the user names.
  'cli/commands/train.ts: [\\\\/]+$',
  // Digits of a number.
  'cockpit/view/format.ts: \\B(?=',
  // Sources of ours, when they are packed.
  'deploy/edge/closure.ts: ^\\s*(?:import|export) type',
  'deploy/edge/import-specifiers.ts: ^\\s*(?:import|export)',
  'deploy/edge/import-specifiers.ts: ^\\s*import',
];

const product = repositoryFiles().filter(
  (file) => /\.(tsx?|mjs)$/.test(file) && !isTest(file) && !/\/kernel\/assembly\/|\/generated\//.test(file),
);

type Literal = { readonly pattern: string; readonly flags: string };

const expressionsOf = (file: string, text = readSource(file)): Literal[] =>
  [...walk(parseSource(file, text))].flatMap((node: SyntaxNode) =>
    node.type === 'Literal' && node.regex ? [node.regex as Literal] : [],
  );

/** Whether some text takes it more than time in proportion to its length, or may: what backtracks, and what begins anew at each character. */
const isSlow = ({ pattern, flags }: Literal): boolean =>
  analyse({ source: pattern, flags }, { reportTypes: { Move: true, Self: true, Trade: true } }).reports
    .length > 0;

it('no regular expression takes more than linear time, except where a text is short', () => {
  const expressions = product.flatMap((file) => expressionsOf(file).map((literal) => ({ file, literal })));
  expect(expressions.length).toBeGreaterThan(100);
  const slow = expressions
    .filter(({ literal }) => isSlow(literal))
    .map(({ file, literal }) => `${file}: ${literal.pattern}`);
  const known = (text: string) => SHORT_TEXTS_ONLY.some((short) => text.startsWith(short));
  expect(slow.filter((text) => !known(text))).toEqual([]);
  expect(SHORT_TEXTS_ONLY.filter((short) => !slow.some((text) => text.startsWith(short)))).toEqual([]);
});

it('would find those that log redaction once had', () => {
  const once = String.raw`
    text.replace(/([a-z][a-z0-9+.-]*:\/\/)\S*@/gi, '');
    text.replace(/(a+)+b/, '');
    text.replace(/([?&])pwd=[^&]+/, '');`;
  expect(expressionsOf('once.ts', once).map(isSlow)).toEqual([true, true, false]);
});
