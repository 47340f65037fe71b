import { isMap, isNode, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import type { z } from 'zod';
import { BlindsightError } from '#protocol/errors.ts';
import { describeIssues, type Problem } from './problem.ts';
import type { Path } from './walk.ts';

/** No real configuration is this long; a YAML bomb may be. */
export const CONFIG_MAX_BYTES = 1_048_576;
const MOST_SHOWN = 20;

/** A checked configuration and the positions of its settings, for problems that are found later. */
export type Validated<T> = { readonly value: T; readonly locate: (path: Path) => string };

/**
 * Checks a configuration, whether from a file or pushed by the backend. Paths in it are left unchanged.
 * @param origin how messages name the text, usually the file's path.
 * @throws BlindsightError CONFIG_INVALID with every mistake on its own line:
 *   `origin:line:column: path: expected …, got …; did you mean …?`
 */
export function validateConfig<T>(text: string, schema: z.ZodType<T>, origin: string): Validated<T> {
  if (Buffer.byteLength(text) > CONFIG_MAX_BYTES) {
    throw new BlindsightError('CONFIG_INVALID', `${origin}: expected at most ${CONFIG_MAX_BYTES} bytes`);
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true });
  const place = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return `${origin}:${Math.max(1, line)}:${Math.max(1, col)}`;
  };
  if (document.errors.length > 0) {
    throw invalid(document.errors.map(({ pos, message }) => `${place(pos[0])}: ${firstLine(message)}`));
  }

  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 100 });
  } catch (cause) {
    throw new BlindsightError(
      'CONFIG_INVALID',
      `${origin}:1:1: ${cause instanceof Error ? cause.message : cause}`,
    );
  }
  const result = schema.safeParse(value);
  const root = document.contents;
  if (result.success) {
    return { value: result.data, locate: (path) => place(offsetOf(root, path, false)) };
  }
  const problems = describeIssues(schema, value, result.error.issues).map((problem) => ({
    problem,
    offset: offsetOf(root, problem.path, problem.atKey),
  }));
  problems.sort((a, b) => a.offset - b.offset);
  throw invalid(problems.map(({ problem, offset }) => `${place(offset)}: ${described(problem)}`));
}

/** `cameras[0].url`; the whole configuration is `configuration`. */
export function pathText(path: Path): string {
  const text = path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${key}`)).join('');
  return text.replace(/^\./, '') || 'configuration';
}

function described({ path, text }: Problem): string {
  return `${pathText(path)}: ${text}`;
}

function invalid(lines: readonly string[]): BlindsightError {
  const more = lines.length - MOST_SHOWN;
  const shown = more > 0 ? [...lines.slice(0, MOST_SHOWN), `… and ${more} more`] : lines;
  return new BlindsightError('CONFIG_INVALID', shown.join('\n'));
}

/** Where the value (or the key) at a path starts; for a missing one, where the map starts that should have it. */
function offsetOf(root: Node | null, path: Path, atKey: boolean): number {
  let node: unknown = root;
  let offset = root?.range?.[0] ?? 0;
  for (const [depth, key] of path.entries()) {
    let child: unknown;
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(key));
      if (isNode(pair?.key) && atKey && depth === path.length - 1) return pair.key.range?.[0] ?? offset;
      child = pair?.value;
    } else if (isSeq(node)) {
      child = node.items[Number(key)];
    }
    if (!isNode(child)) return offset;
    node = child;
    offset = child.range?.[0] ?? offset;
  }
  return offset;
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? text;
}
