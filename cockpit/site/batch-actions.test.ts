import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { resultOf, siteOf } from '../testing/fixtures.ts';
import { batchActions } from './batch-actions.ts';
import type { SiteAction } from './site-model.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const result = (sequence: number): SiteAction => ({
  type: 'result',
  result: resultOf({ sequence }),
  atMs: 0,
});
const state = (site: string): SiteAction => ({ type: 'state', site: siteOf({ site }), atMs: 0 });

it('hands on the first at once, what follows together and in order, and of several states the last', () => {
  const batches: (readonly SiteAction[])[] = [];
  const batch = batchActions((action) => {
    if (action.type === 'batch') batches.push(action.actions);
  });
  batch.add(result(1));
  expect(batches).toEqual([[result(1)]]);
  for (const action of [state('a'), result(2), state('b'), result(3)]) batch.add(action);
  expect(batches).toHaveLength(1);
  vi.advanceTimersByTime(500);
  expect(batches.slice(1)).toEqual([[result(2), state('b'), result(3)]]);
  batch.add(result(4));
  batch.flush();
  expect(batches.slice(2)).toEqual([[result(4)]]);
  vi.advanceTimersByTime(5000);
  batch.add(result(5));
  expect(batches.slice(3)).toEqual([[result(5)]]);
  vi.advanceTimersByTime(5000);
  expect(vi.getTimerCount()).toBe(0);
});
