import { isCollection, isMap, isScalar, isSeq, type Node, type Pair, parseDocument } from 'yaml';
import type { SettingPath } from '../../view/json-schema.ts';

/** Settings as their author wrote them, and what they say. */
export type SettingsText = {
  readonly text: string;
  /** Plain settings; of a text that is no YAML, those before the mistake or none. */
  readonly value: unknown;
  /** Whether the text is YAML that a form can change. */
  readonly isWhole: boolean;
};

export function readSettings(text: string): SettingsText {
  try {
    const document = parseDocument(text, { prettyErrors: false });
    const value: unknown = document.toJS({ maxAliasCount: 100 }) ?? {};
    return { text, value, isWhole: document.errors.length === 0 && typeof value === 'object' };
  } catch {
    return { text, value: {}, isWhole: false };
  }
}

/**
 * The text with one setting changed, and everything else as its author wrote it, comments included. Where that cannot be done in place (a key that is
 * taken out of the middle of a line, an alias), the whole text is written anew, with its comments.
 *
 * @param value undefined takes the setting out
 */
export function changeSetting(text: string, path: SettingPath, value: unknown): string {
  const whole = rewritten(text, path, value);
  const inPlace = changedInPlace(text, path, value);
  return inPlace !== null && isSame(inPlace, whole) ? inPlace : whole;
}

/** In the way that is always right, and lays the text out anew. */
function rewritten(text: string, path: SettingPath, value: unknown): string {
  const document = parseDocument(text, { prettyErrors: false });
  if (value === undefined) {
    const above = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1));
    if (!isCollection(above)) return text;
    document.deleteIn(path);
  } else {
    for (let depth = 1; depth < path.length; depth++) {
      const above = path.slice(0, depth);
      const node = document.getIn(above, true);
      if (node !== undefined && !isCollection(node)) document.deleteIn(above);
    }
    document.setIn(path, laidOut(document.createNode(value)));
    const list = document.getIn(path.slice(0, -1));
    if (isSeq(list) && isMap(list.items[0])) list.flow = false;
  }
  return document.toString({ lineWidth: 0 });
}

/** Lists of numbers, and maps of them, on one line. */
function laidOut(node: Node): Node {
  if (!isCollection(node)) return node;
  const parts = isMap(node) ? node.items.map((pair: Pair) => pair.value) : node.items;
  const isFlat = parts.every((part) => isScalar(part) || (isCollection(part) && part.flow === true));
  for (const part of parts) if (isCollection(part)) laidOut(part);
  if (isFlat && parts.some((part) => isScalar(part) && typeof part.value === 'number')) node.flow = true;
  if (isSeq(node) && isFlat) node.flow = true;
  return node;
}

function isSame(left: string, right: string): boolean {
  return JSON.stringify(readSettings(left).value) === JSON.stringify(readSettings(right).value);
}

function changedInPlace(text: string, path: SettingPath, value: unknown): string | null {
  const document = parseDocument(text, { prettyErrors: false });
  if (document.errors.length > 0) return null;
  const node = document.getIn(path, true);
  if (value === undefined) return withoutLines(text, document.getIn(path.slice(0, -1), true), path.at(-1)!);
  if (node !== undefined) return replaced(text, node, value);
  let wanted = value;
  // Whatever lies between it and the deepest that is there comes along.
  for (let depth = path.length - 1; depth >= 0; depth--) {
    const key = path[depth]!;
    const parent = depth === 0 ? document.contents : document.getIn(path.slice(0, depth), true);
    if (parent !== undefined && parent !== null) return added(text, parent, key, wanted);
    wanted = typeof key === 'number' ? [wanted] : { [key]: wanted };
  }
  return null;
}

/** Where the value stands, another one: of those that have a place of their own within a line. */
function replaced(text: string, node: unknown, value: unknown): string | null {
  if (isCollection(node) && node.flow !== true) return null;
  if (!isCollection(node) && !isScalar(node)) return null;
  const { range } = node;
  if (!range || range[0] === range[1]) return null;
  return `${text.slice(0, range[0])}${inline(value)}${text.slice(range[1])}`;
}

/** A line more below the last one of a map or list. */
function added(text: string, parent: unknown, key: string | number, value: unknown): string | null {
  if (!isCollection(parent) || parent.flow === true || parent.items.length === 0) return null;
  const { range } = parent;
  if (!range) return null;
  const lineStart = text.lastIndexOf('\n', range[0] - 1) + 1;
  const indent = ' '.repeat(range[0] - lineStart);
  const content = text.slice(0, range[1]).trimEnd();
  const end = text.indexOf('\n', content.length);
  const at = end === -1 ? text.length : end;
  const entry = isSeq(parent) ? `- ${block(value, `${indent}  `)}` : `${key}:${listed(value, indent)}`;
  return `${text.slice(0, at)}\n${indent}${entry}${text.slice(at)}`;
}

/** Without the lines of a setting, where it has lines of its own. */
function withoutLines(text: string, parent: unknown, key: string | number): string | null {
  if (!isCollection(parent) || parent.flow === true || parent.items.length < 2) return null;
  let first: number | undefined;
  let last: number | undefined;
  if (isMap(parent)) {
    const pair = parent.items.find((item) => isScalar(item.key) && item.key.value === key);
    first = isScalar(pair?.key) ? pair.key.range?.[0] : undefined;
    last = (pair?.value as Node | null | undefined)?.range?.[1];
  } else if (isSeq(parent)) {
    const item = parent.items[Number(key)] as Node | undefined;
    last = item?.range?.[1];
    first = item?.range ? text.lastIndexOf('-', item.range[0]) : undefined;
  }
  if (first === undefined || last === undefined || first < 0) return null;
  const lineStart = text.lastIndexOf('\n', first - 1) + 1;
  if (text.slice(lineStart, first).trim() !== '') return null;
  const end = text.indexOf('\n', text.slice(0, last).trimEnd().length);
  return text.slice(0, lineStart) + (end === -1 ? '' : text.slice(end + 1));
}

/** Words that YAML reads as text, and as nothing else, without quotes. */
const PLAIN = /^[a-zA-Z][\w./-]*$/;
const NOT_TEXT = /^(true|false|null|yes|no|on|off|y|n)$/i;

/** A value on one line. */
function inline(value: unknown): string {
  if (typeof value === 'string')
    return PLAIN.test(value) && !NOT_TEXT.test(value) ? value : JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(inline).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return String(value);
  const entries = Object.entries(value).map(([key, each]) => `${key}: ${inline(each)}`);
  return entries.length === 0 ? '{}' : `{ ${entries.join(', ')} }`;
}

/** A list of lists or maps with a line for each, below its key; anything else behind it. */
function listed(value: unknown, indent: string): string {
  const isList = Array.isArray(value) && value.length > 0 && value.every((one) => typeof one === 'object');
  if (!isList) return ` ${inline(value)}`;
  return value.map((one) => `\n${indent}  - ${block(one, `${indent}    `)}`).join('');
}

/** A map as lines, as an entry of a list; anything else on one line. */
function block(value: unknown, indent: string): string {
  const isShort = typeof value !== 'object' || value === null || Array.isArray(value);
  if (isShort || Object.values(value).every((each) => typeof each === 'number')) return inline(value);
  return Object.entries(value)
    .map(([key, each]) => `${key}: ${inline(each)}`)
    .join(`\n${indent}`);
}
