import { z } from 'zod';
import type { ArgumentsOf } from '#protocol/command.ts';
import { parseJson } from '../parse-json.ts';
import { newestWithin } from './newest-within.ts';

/** Bytes of lines in one answer. */
const MAX_BYTES = 2 ** 20;
const Line = z.object({ time: z.iso.datetime() });

/**
 * The newest of the lines that are asked for, oldest first. Those that do not fit into an answer are left out, oldest first.
 *
 * @param lines JSON, oldest first
 */
export function readLogs(
  lines: readonly string[],
  { lines: count, sinceSeconds }: ArgumentsOf<'logs'>,
  nowMs: number,
): { readonly text: string; readonly lines: number; readonly isCut: boolean } {
  const sinceMs = sinceSeconds === undefined ? Number.NEGATIVE_INFINITY : nowMs - sinceSeconds * 1000;
  const wanted = (sinceSeconds === undefined ? lines : lines.filter((line) => timeOf(line) >= sinceMs)).slice(
    -count,
  );
  const chosen = newestWithin(wanted, MAX_BYTES);
  return {
    text: chosen.map((line) => `${line}\n`).join(''),
    lines: chosen.length,
    isCut: chosen.length < wanted.length,
  };
}

function timeOf(line: string): number {
  const parsed = Line.safeParse(parseJson(line));
  return parsed.success ? Date.parse(parsed.data.time) : Number.NEGATIVE_INFINITY;
}
