import type { z } from 'zod';

type Schema = z.core.$ZodType;
export type Path = readonly (string | number)[];

/** What a schema is made of; the discriminated union of zod's own kinds. */
export function definition(schema: Schema): z.core.$ZodTypes['_zod']['def'] {
  return (schema as z.core.$ZodTypes)._zod.def;
}

/** The schema behind `optional`, `default` and the like. */
export function unwrapSchema(schema: Schema): Schema {
  const def = definition(schema);
  switch (def.type) {
    case 'optional':
    case 'nullable':
    case 'default':
    case 'prefault':
    case 'readonly':
      return unwrapSchema(def.innerType);
    default:
      return schema;
  }
}

/** The schema of one key or element of `value`, or undefined if there is none. */
export function childSchema(schema: Schema, value: unknown, key: string | number): Schema | undefined {
  const def = definition(unwrapSchema(schema));
  switch (def.type) {
    case 'object':
      return Object.hasOwn(def.shape, key) ? def.shape[key] : undefined;
    case 'array':
      return def.element;
    case 'tuple':
      return def.items[Number(key)];
    case 'union': {
      const chosen = def.options.find((option) => fits(option, value)) ?? def.options[0];
      return chosen && childSchema(chosen, value, key);
    }
    default:
      return undefined;
  }
}

/** The schema at the end of a path, following the branch of each union that the value has chosen. */
export function schemaAt(schema: Schema, value: unknown, path: Path): Schema | undefined {
  let current: Schema | undefined = schema;
  let at = value;
  for (const key of path) {
    current = current && childSchema(current, at, key);
    at = valueAt(at, [key]);
  }
  return current;
}

/** The settings that a map may have here. */
export function knownKeys(schema: Schema, value: unknown): string[] {
  const def = definition(unwrapSchema(schema));
  if (def.type === 'object') return Object.keys(def.shape);
  if (def.type !== 'union') return [];
  const chosen = def.options.find((option) => fits(option, value)) ?? def.options[0];
  return chosen ? knownKeys(chosen, value) : [];
}

/** What is at a path of a plain value; undefined if there is nothing. */
export function valueAt(value: unknown, path: Path): unknown {
  let at = value;
  for (const key of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) return undefined;
    at = (at as Record<string | number, unknown>)[key];
  }
  return at;
}

/** A copy of a value with `change` applied to each leaf that has a schema. */
export function mapLeaves<T>(
  schema: Schema,
  value: T,
  change: (leaf: unknown, schema: Schema, path: Path) => unknown,
  path: Path = [],
): T {
  const below = (item: unknown, key: string | number) => {
    const child = childSchema(schema, value, key);
    return child ? mapLeaves(child, item, change, [...path, key]) : item;
  };
  if (Array.isArray(value)) return value.map(below) as T;
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, below(item, key)])) as T;
  }
  return change(value, unwrapSchema(schema), path) as T;
}

/** Whether a branch of a union is the intended one: all its literals are present. */
function fits(option: Schema, value: unknown): boolean {
  const def = definition(option);
  if (def.type !== 'object') return false;
  return Object.entries(def.shape).every(([key, child]) => {
    const inner = definition(unwrapSchema(child as Schema));
    return inner.type !== 'literal' || inner.values.some((literal) => literal === valueAt(value, [key]));
  });
}
