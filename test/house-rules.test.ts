import { describe, expect, it } from 'vitest';
import { isTest, readSource, repositoryFiles } from './source-files.ts';
import { childrenOf, parseSource, type SyntaxNode, walk } from './syntax.ts';

const product = repositoryFiles().filter(
  (file) => /\.(tsx?|mjs)$/.test(file) && !isTest(file) && !/\/kernel\/assembly\/|\/generated\//.test(file),
);

const lineOf = (text: string, at: number): number => text.slice(0, at).split('\n').length;

/** Longest that a function may be, in lines. */
const LONGEST = 100;

const FUNCTIONS = ['FunctionDeclaration', 'FunctionExpression', 'ArrowFunctionExpression'];

type Length = { readonly file: string; readonly line: number; readonly lines: number };

function functionLengths(file: string, text = readSource(file)): Length[] {
  const functions = [...walk(parseSource(file, text))].filter(({ type }) => FUNCTIONS.includes(type));
  return functions.map(({ start, end }) => {
    const line = lineOf(text, start);
    return { file, line, lines: lineOf(text, end) - line + 1 };
  });
}

/** The kinds of our own unions; `type` in config/ is that of zod. */
const KINDS = ['op', 'kind', 'type', 'status', 'outcome'];

/**
 * Switches over kinds that would pass over a new kind in silence: one with a `default` that neither throws nor is held by the compiler, or one
 * without `default` whose cases do not all return (then the compiler does not miss a case).
 */
function silentSwitches(file: string, text = readSource(file)): number[] {
  const silent = (node: SyntaxNode): boolean => {
    const { discriminant, cases } = node as unknown as { discriminant: SyntaxNode; cases: SyntaxNode[] };
    const property = discriminant.property as SyntaxNode | undefined;
    if (discriminant.type !== 'MemberExpression' || !KINDS.includes(String(property?.name))) return false;
    const last = cases.at(-1);
    if (last === undefined) return true;
    if (last.test !== null) return !endsInReturn(last);
    return ![...walk(last)].some(
      ({ type, callee }) =>
        type === 'ThrowStatement' ||
        (type === 'CallExpression' && (callee as SyntaxNode).name === 'assertNever'),
    );
  };
  return [...walk(parseSource(file, text))]
    .filter((node) => node.type === 'SwitchStatement' && silent(node))
    .map(({ start }) => lineOf(text, start));
}

function endsInReturn(node: SyntaxNode): boolean {
  const last = childrenOf(node).at(-1);
  if (last === undefined) return false;
  return last.type === 'BlockStatement'
    ? endsInReturn(last)
    : ['ReturnStatement', 'ThrowStatement'].includes(last.type);
}

/** What a busy machine may need for what takes a tenth of a second. */
const PATIENCE_MS = 20_000;

/** Waits of vitest that give up after a second, as they do without a limit, or sooner than a busy machine may need. */
function hastyWaits(file: string, text = readSource(file)): number[] {
  if (!/\bvi\s*\.wait/.test(text)) return [];
  const isHasty = ({ type, callee, arguments: given }: SyntaxNode): boolean => {
    if (type !== 'CallExpression') return false;
    const { object, property } = callee as { object?: SyntaxNode; property?: SyntaxNode };
    if (object?.name !== 'vi' || !/^wait(For|Until)$/.test(String(property?.name))) return false;
    const limit = (given as SyntaxNode[])[1];
    const words = limit === undefined ? '{}' : text.slice(limit.start, limit.end);
    // A name says its limit where it is declared, and an object may take it from there.
    if (!/^[\d{]/.test(words) || words.includes('...')) return false;
    const ms = words.startsWith('{') ? (/\btimeout: (\w+)/.exec(words)?.[1] ?? '0') : words;
    return Number(ms.replaceAll('_', '')) < PATIENCE_MS;
  };
  return [...walk(parseSource(file, text))].filter(isHasty).map(({ start }) => lineOf(text, start));
}

/** Where the seed is drawn, where these very words are looked for, and where a loop only passes time. */
const OTHERWISE = ['seeded-delays.ts', 'house-rules.test.ts', 'randomness.test.ts', 'hanging-worker.ts'];

describe('functions', () => {
  it('are no longer than a hundred lines', () => {
    const lengths = product.flatMap((file) => functionLengths(file));
    expect(lengths.filter(({ lines }) => lines > LONGEST)).toEqual([]);
  });

  it('are measured in every form', () => {
    const text = 'const a = () => {\n\n};\nclass B {\n  c(): void {\n  }\n}\nexport function d() {}\n';
    expect(functionLengths('a.ts', text)).toEqual([
      { file: 'a.ts', line: 1, lines: 3 },
      { file: 'a.ts', line: 5, lines: 2 },
      { file: 'a.ts', line: 8, lines: 1 },
    ]);
  });
});

describe('switches over kinds', () => {
  it('name every kind, or end in an error', () => {
    const files = product.filter((file) => !file.startsWith('config/'));
    expect(files.flatMap((file) => silentSwitches(file).map((line) => `${file}:${line}`))).toEqual([]);
  });

  it.each([
    ['switch (a.kind) { case 1: f(); break; default: g(); }', [1]],
    ['switch (a.kind) { case 1: f(); }', [1]],
    ['switch (a.kind) { case 1: f(); break; default: assertNever(a); }', []],
    ['switch (a.kind) { case 1: f(); break; default: throw new Error(); }', []],
    ['function b(): number { switch (a.kind) { case 1: return 1; } }', []],
    ['switch (text) { case 1: f(); break; default: g(); }', []],
  ])('are told apart: %s', (text, lines) => {
    expect(silentSwitches('a.ts', text)).toEqual(lines);
  });
});

describe('tests that draw', () => {
  it('take a seed that they name or print: fast-check, a seeded generator, or seededDelays', () => {
    const draws = /\bMath\.random\(|\brandomInt\(|\bfc\.sample\((?![^;]*\bseed\b)/;
    const found = repositoryFiles().filter(
      (file) =>
        isTest(file) &&
        /\.tsx?$/.test(file) &&
        !OTHERWISE.includes(file.replace(/^.*\//, '')) &&
        draws.test(readSource(file)),
    );
    expect(found).toEqual([]);
  });
});

describe('tests that wait', () => {
  it(`give a busy machine ${PATIENCE_MS / 1000} s and more: vi.waitFor(…, WAIT)`, () => {
    const files = repositoryFiles().filter((file) => isTest(file) && /\.tsx?$/.test(file));
    expect(files.flatMap((file) => hastyWaits(file).map((line) => `${file}:${line}`))).toEqual([]);
  });

  it.each([
    ['vi.waitFor(() => expect(a).toBe(1));', [1]],
    ['vi.waitFor(() => expect(a).toBe(1), { interval: 5 });', [1]],
    ['\nvi.waitFor(() => expect(a).toBe(1), { timeout: 5_000, interval: 5 });', [2]],
    ['vi.waitUntil(() => a, 900);', [1]],
    ['vi.waitUntil(() => a, 60_000); vi.waitFor(() => a(1), WAIT);', []],
    ['vi.waitFor(() => a(1), { timeout: 60_000 }); vi.waitFor(() => a(1), { ...WAIT, interval: 5 });', []],
  ])('are seen: %s', (text, lines) => {
    expect(hastyWaits('a.ts', text)).toEqual(lines);
  });
});
