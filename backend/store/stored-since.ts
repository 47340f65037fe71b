import type { Database, Value } from './database.ts';

/** A clock that is set back between a picture and its answer is set back by less. */
const SLACK_MS = 86_400_000;

/**
 * What to add to a query about pictures, or about answers, since a time. No answer is stored before its picture is there, so PostgreSQL leaves out the tables of the days before;
 * SQLite has one for all. As a value of its own, because PostgreSQL plans by it: what it would find out while it joins, it plans for all days.
 *
 * @param sinceMs ms since the epoch
 */
export function storedSince(
  { dialect }: Database,
  sinceMs: number,
  table = '',
): { readonly and: string; readonly values: readonly Value[] } {
  if (dialect.kind === 'sqlite') return { and: '', values: [] };
  const column = table === '' ? 'stored_ms' : `${table}.stored_ms`;
  return { and: `AND ${column} >= ?`, values: [sinceMs - SLACK_MS] };
}
