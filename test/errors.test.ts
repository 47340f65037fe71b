import { describe, expect, it } from 'vitest';
import { ERRORS } from '#protocol/errors.ts';
import { isTest, readSource, repositoryFiles, root } from './source-files.ts';

const sources = repositoryFiles()
  .filter((file) => /\.(ts|tsx|mts|mjs)$/.test(file) && !isTest(file) && file !== 'protocol/errors.ts')
  .map((file) => ({ file, text: readSource(file) }));

/** docs/errors.md as the registry wants it. */
function page(): string {
  const cells = [
    ['code', 'meaning', 'what to do'],
    ...Object.entries(ERRORS).map(([code, { meaning, action }]) => [`\`${code}\``, meaning, action]),
  ];
  // Padded as the formatter wants tables.
  const widths = [0, 1, 2].map((column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  const rows = cells.map((row) => `| ${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ')} |`);
  return [
    '# Error codes',
    '',
    'Every error that a person can cause or must hear of has a stable code. The message beside it says what happened and where; this page says',
    'what the code means and what can be done. Made from `protocol/errors.ts`: `npx vitest run test/errors.test.ts -u` writes it anew.',
    '',
    rows[0],
    `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`,
    ...rows.slice(1),
    '',
  ].join('\n');
}

describe('error codes', () => {
  it('are explained in docs/errors.md, all of them and word by word', async () => {
    await expect(page()).toMatchFileSnapshot(`${root}/docs/errors.md`);
  });

  it('are all registered where they are thrown', () => {
    const thrown = sources.flatMap(({ file, text }) =>
      [...text.matchAll(/new (?:BlindsightError|FheError)\(\s*['"`](\w+)/g)].map(
        (match) => `${match[1]} (${file})`,
      ),
    );
    expect(thrown.length).toBeGreaterThan(30);
    expect(thrown.filter((each) => !Object.hasOwn(ERRORS, each.split(' ')[0] ?? ''))).toEqual([]);
  });

  it('are all used', () => {
    const uses = (code: string) =>
      sources.some(({ file, text }) => file !== 'fhe/errors.ts' && text.includes(`'${code}'`));
    expect(Object.keys(ERRORS).filter((code) => !uses(code))).toEqual([]);
  });

  it('speak in sentences that fit a table', () => {
    for (const { meaning, action } of Object.values(ERRORS)) {
      for (const sentence of [meaning, action]) expect(sentence).toMatch(/^[^\n|]{10,300}$/);
    }
  });
});
