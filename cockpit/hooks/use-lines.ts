import { useMemo } from 'preact/hooks';
import type { SiteLines } from '#protocol/api.ts';
import { sparkValues } from '../view/spark-values.ts';
import { useRead } from './use-read.ts';

/** A point of a line is a minute. */
const EVERY_MS = 60_000;
const PATH = 'api/lines?minutes=60&points=60';

/** The last hour of every camera as a small line, by name. @param isAway whether the backend does not answer; it is asked again when it does */
export function useLines(isAway: boolean): ReadonlyMap<string, readonly (number | null)[]> {
  const { value } = useRead<SiteLines>(PATH, isAway ? 'away' : 'here', EVERY_MS);
  return useMemo(() => (value === null ? new Map() : sparkValues(value)), [value]);
}
