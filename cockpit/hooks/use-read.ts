import { useCallback, useEffect, useState } from 'preact/hooks';
import { type Answered, request } from '../site/request.ts';

export type Read<T> = {
  /** What was read last; null before that. */
  readonly value: T | null;
  readonly hasFailed: boolean;
  readonly again: () => Promise<void>;
};

/**
 * What the backend has at an address, read anew whenever the address or `version` changes, and after each period.
 *
 * @param path null: nothing is read
 * @param version of what it depends on
 */
export function useRead<T>(path: string | null, version: string | number = '', everyMs?: number): Read<T> {
  const [state, setState] = useState<{ path: string | null; answer: Answered<T> | null }>({
    path,
    answer: null,
  });
  const again = useCallback(async () => {
    if (path === null) return;
    const answer = await request<T>('GET', path);
    // What failed leaves what was there: it says more than nothing.
    setState((before) => (answer.ok || before.path !== path ? { path, answer } : { ...before }));
  }, [path]);
  useEffect(() => {
    void again();
    if (everyMs === undefined) return;
    const timer = setInterval(() => void again(), everyMs);
    return () => clearInterval(timer);
  }, [again, version, everyMs]);
  const answer = state.path === path ? state.answer : null;
  return { value: answer?.ok ? answer.value : null, hasFailed: answer?.ok === false, again };
}
