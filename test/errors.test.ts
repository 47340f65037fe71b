import { describe, expect, it } from 'vitest';
import { ERRORS } from '#protocol/errors.ts';
import { EVENTS } from '#protocol/events.ts';
import { REFUSALS, type Refusal, refusalCode } from '#protocol/refusals.ts';
import { WITHHELD } from '#protocol/withheld.ts';
import { isTest, readSource, repositoryFiles, root } from './source-files.ts';

/** Files that hold the registry, or name codes only as types. */
const REGISTRY = [
  'protocol/errors.ts',
  'protocol/errors/rollouts.ts',
  'protocol/errors/certificates.ts',
  'protocol/errors/commands.ts',
  'protocol/errors/software.ts',
  'protocol/errors/trust.ts',
  'protocol/events.ts',
  'protocol/refusals.ts',
  'protocol/withheld.ts',
  'fhe/errors.ts',
  'network/errors.ts',
];

const sources = repositoryFiles()
  .filter((file) => /\.(ts|tsx|mts|mjs)$/.test(file) && !isTest(file) && !REGISTRY.includes(file))
  .map((file) => ({ file, text: readSource(file) }));

const codes = [...Object.keys(ERRORS), ...Object.keys(EVENTS)];

/** Words that look like a code and are none: environment variables, what the operating system says, padding of ONNX. */
const NO_CODES = [
  'BLINDSIGHT_INSTALLATION_KEY_FD',
  'BLINDSIGHT_LIFELINE',
  'BLINDSIGHT_TEST_SITE',
  'BLINDSIGHT_WEEK',
  'EAI_AGAIN',
  'SAME_LOWER',
  'SAME_UPPER',
];

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  // Padded as the formatter wants tables.
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ')} |`;
  return [line(head), `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...rows.map(line)];
}

type Entries = Readonly<Record<string, { readonly meaning: string; readonly action: string }>>;

function explained(entries: Entries): string[] {
  const rows = Object.entries(entries).map(([code, { meaning, action }]) => [`\`${code}\``, meaning, action]);
  return table(['code', 'meaning', 'what to do'], rows);
}

/** docs/errors.md as the registry wants it. */
function page(): string {
  const refusals = Object.entries(REFUSALS).map(([reason, { meaning, action }]) => [
    `\`${reason}\``,
    `\`${refusalCode(reason as Refusal)}\``,
    meaning,
    action,
  ]);
  return [
    '# Error codes',
    '',
    'Every error that a person can cause or must know about has a stable code. The message with it says what happened and where; this page says',
    'what the code means and what to do. Generated from `errors.ts`, `events.ts`, `refusals.ts` and `withheld.ts` in `protocol/`:',
    '`npx vitest run test/errors.test.ts -u` rewrites it.',
    '',
    '## Errors',
    '',
    ...explained(ERRORS),
    '',
    '## Events',
    '',
    'What the journal reports that is not an error.',
    '',
    ...explained(EVENTS),
    '',
    '## Refused answers',
    '',
    'Why the backend does not decrypt an answer: the reason under which it is counted (on the page, and as `refused` in `/metrics`), and the code in the journal.',
    '',
    ...table(['reason', 'code', 'meaning', 'what to do'], refusals),
    '',
    '## Withheld answers',
    '',
    'Why a decrypted answer is not shown: usually its picture is not what the network was trained for (`CAMERA_UNUSUAL`).',
    '',
    ...table(
      ['reason', 'meaning'],
      Object.entries(WITHHELD).map(([reason, words]) => [`\`${reason}\``, words]),
    ),
    '',
  ].join('\n');
}

/** What in a source has the form of a code: quoted capitals with an underscore, and whatever an error or a refusal is made with. */
function codesIn(text: string): string[] {
  const inCapitals = text.matchAll(/(['"`])([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)\1/g);
  const made = text.matchAll(
    /(?:new (?:Blindsight|Fhe|Network)Error\(\s*|\bcode: )(['"`])([A-Z][A-Z0-9_]*)\1/g,
  );
  return [...inCapitals, ...made].map((match) => match[2] ?? '').filter((code) => !NO_CODES.includes(code));
}

describe('error codes', () => {
  it('are explained in docs/errors.md, all of them and word by word', async () => {
    await expect(page()).toMatchFileSnapshot(`${root}/docs/errors.md`);
  });

  it('are all registered where they are used', () => {
    const used = sources.flatMap(({ file, text }) => codesIn(text).map((code) => ({ code, file })));
    expect(used.length).toBeGreaterThan(100);
    expect(used.filter(({ code }) => !codes.includes(code))).toEqual([]);
  });

  it('are seen in every form in which sources write them', () => {
    const source = [
      "throw new BlindsightError('ONE', `message`);",
      "throw new NetworkError(\n  'TWO',\n  'message');",
      "journal.add({ code: 'THREE' });",
      "const code = unusual ? 'FOUR_A' : `FOUR_B`;",
      "process.env['BLINDSIGHT_LIFELINE']",
    ].join('\n');
    expect(codesIn(source).sort()).toEqual(['FOUR_A', 'FOUR_B', 'ONE', 'THREE', 'TWO']);
  });

  it('are all used', () => {
    const used = new Set(sources.flatMap(({ text }) => codesIn(text)));
    expect(codes.filter((code) => !used.has(code))).toEqual([]);
  });

  it('are each registered once', () => {
    const all = [...codes, ...Object.keys(REFUSALS).map((reason) => refusalCode(reason as Refusal))];
    expect(all.filter((code, i) => all.indexOf(code) !== i)).toEqual([]);
  });

  it.each([
    ['refusals', Object.keys(REFUSALS)],
    ['reasons to withhold', Object.keys(WITHHELD)],
  ])('leave no %s that nothing gives', (_, reasons) => {
    const gives = (reason: string) =>
      sources.some(({ text }) => text.includes(`'${reason}'`) || text.includes(`refused.${reason}'`));
    expect(reasons.filter((reason) => !gives(reason))).toEqual([]);
  });

  it('speak in sentences that fit a table', () => {
    for (const { meaning, action } of [ERRORS, EVENTS, REFUSALS].flatMap((each) =>
      Object.values<Entries[string]>(each),
    )) {
      for (const sentence of [meaning, action]) expect(sentence).toMatch(/^[A-Z`][^\n|]{6,300}$/);
    }
  });
});
