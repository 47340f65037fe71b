import type { z } from 'zod';
import { redactText, SECRET_FIELDS } from '#protocol/redact.ts';
import { suggest } from './suggest.ts';
import { childSchema, definition, knownKeys, type Path, schemaAt, unwrapSchema, valueAt } from './walk.ts';

/** One mistake in a configuration. */
export type Problem = {
  readonly path: Path;
  /** Whether the mistake is the key itself, not its value. */
  readonly atKey: boolean;
  readonly text: string;
};

/** What is wrong, in words, for each issue that zod found in `value`. */
export function describeIssues(
  schema: z.core.$ZodType,
  value: unknown,
  issues: readonly z.core.$ZodIssue[],
): Problem[] {
  return issues.flatMap((issue) => describeIssue(schema, value, issue));
}

function describeIssue(schema: z.core.$ZodType, value: unknown, issue: z.core.$ZodIssue): Problem[] {
  const path = issue.path.map((key) => (typeof key === 'symbol' ? String(key) : key));
  const found = valueAt(value, path);
  if (issue.code === 'invalid_union' && issue.errors.length > 0) {
    const nearest = nearestBranch(issue.errors, found).map((inner) => ({
      ...inner,
      path: [...issue.path, ...inner.path],
    }));
    return describeIssues(schema, value, nearest);
  }
  const here = schemaAt(schema, value, path);
  const choices = issue.code === 'invalid_value' ? issue.values.map(String) : literals(schema, value, path);
  if (issue.code === 'unrecognized_keys') {
    const known = here ? knownKeys(here, found) : [];
    return issue.keys.map((key) => ({ path: [...path, key], atKey: true, text: unknownKey(key, known) }));
  }
  const wanted = expectation(issue, choices);
  const got = found === undefined ? 'but it is missing' : `got ${shown(found)}`;
  return [{ path, atKey: false, text: `expected ${wanted}, ${got}${hint(issue, choices, found)}` }];
}

/** Of the branches of a union, none of which fits, the one that was most likely meant: what was found has at least its type. */
function nearestBranch(
  branches: readonly (readonly z.core.$ZodIssue[])[],
  found: unknown,
): readonly z.core.$ZodIssue[] {
  const isOtherType = (issue: z.core.$ZodIssue) =>
    issue.path.length === 0 &&
    (issue.code === 'invalid_type' ||
      (issue.code === 'invalid_value' && issue.values.every((value) => typeof value !== typeof found)));
  return branches.find((issues) => !issues.some(isOtherType)) ?? branches[0]!;
}

function unknownKey(key: string, known: readonly string[]): string {
  const meant = suggest(key, known);
  return meant
    ? `unknown setting; did you mean "${meant}"?`
    : `unknown setting; possible here: ${known.join(', ')}`;
}

function expectation(issue: z.core.$ZodIssue, choices: readonly string[]): string {
  switch (issue.code) {
    case 'invalid_type':
      return TYPE_NAMES[issue.expected] ?? issue.expected;
    case 'invalid_value':
    case 'invalid_union':
      return choice(choices);
    case 'too_small':
      return bound(issue.origin, issue.inclusive ? 'at least' : 'more than', issue.minimum, issue.message);
    case 'too_big':
      return bound(issue.origin, issue.inclusive ? 'at most' : 'less than', issue.maximum, issue.message);
    default:
      return issue.message;
  }
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  object: 'a map of settings',
  array: 'a list',
  tuple: 'a list',
  string: 'a text',
  boolean: 'true or false',
  number: 'a number',
  int: 'a whole number',
};

function bound(origin: string, relation: string, limit: number | bigint, message: string): string {
  if (origin === 'number' || origin === 'int') return `${relation} ${limit}`;
  if (origin === 'array') return `${relation} ${limit} entries`;
  return message;
}

function choice(values: readonly string[]): string {
  return values.length > 1
    ? `one of ${values.map((each) => `"${each}"`).join(', ')}`
    : `"${values[0] ?? ''}"`;
}

/** The values that the discriminator of a union may have, over all its branches. */
function literals(schema: z.core.$ZodType, value: unknown, path: Path): string[] {
  const key = path.at(-1);
  const parent = schemaAt(schema, value, path.slice(0, -1));
  const def = parent && definition(unwrapSchema(parent));
  if (key === undefined || def?.type !== 'union') return [];
  return def.options.flatMap((option) => {
    const child = childSchema(option, undefined, key);
    const literal = child && definition(unwrapSchema(child));
    return literal?.type === 'literal' ? literal.values.map(String) : [];
  });
}

function hint(issue: z.core.$ZodIssue, choices: readonly string[], found: unknown): string {
  if (typeof found !== 'string') return '';
  if (
    issue.code === 'invalid_type' &&
    issue.expected === 'number' &&
    found.trim() !== '' &&
    !Number.isNaN(Number(found))
  ) {
    return '; write it without quotes';
  }
  if (issue.code === 'invalid_type' && issue.expected === 'boolean' && /^(yes|no|on|off)$/i.test(found)) {
    return `; write ${/^(yes|on)$/i.test(found)}`;
  }
  const meant = suggest(found, choices);
  return meant && meant !== found ? `; did you mean "${meant}"?` : '';
}

const LONGEST_SHOWN = 60;

function shown(value: unknown): string {
  if (value === null) return 'nothing';
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object') return shownSettings(value);
  if (typeof value !== 'string') return String(value);
  const text = redactText(value);
  return `"${text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}…` : text}"`;
}

/** Settings written on one line; only their names if that is too long. */
function shownSettings(settings: object): string {
  const entries = Object.entries(settings);
  if (entries.length === 0) return 'a map without settings';
  const line = entries.map(([key, value]) => `${key}: ${shownSetting(key, value)}`).join(', ');
  if (line.length <= LONGEST_SHOWN) return `{ ${line} }`;
  const names = entries.map(([key]) => key).join(', ');
  return `settings ${names.length > LONGEST_SHOWN ? `${names.slice(0, LONGEST_SHOWN)}…` : names}`;
}

function shownSetting(key: string, value: unknown): string {
  if (typeof value === 'object' && value !== null) return '…';
  return (SECRET_FIELDS as readonly string[]).includes(key) ? '***' : shown(value);
}
