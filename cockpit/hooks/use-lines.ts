import { useMemo } from 'preact/hooks';
import type { SiteLines } from '#protocol/api.ts';
import { sparkValues } from '../view/spark-values.ts';
import { useRead } from './use-read.ts';

/** A point of a line is a minute. */
const EVERY_MS = 60_000;

/** The last hour of every camera as a small line, by name. @param isAway nothing is asked of a backend that does not answer */
export function useLines(isAway: boolean): ReadonlyMap<string, readonly (number | null)[]> {
  const path = isAway ? null : 'api/lines?minutes=60&points=60';
  const { value } = useRead<SiteLines>(path, '', EVERY_MS);
  return useMemo(() => (value === null ? new Map() : sparkValues(value)), [value]);
}
