import { expect, it, vi } from 'vitest';
import { countResults } from './count-results.ts';

async function* events(...types: readonly string[]) {
  for (const type of types) {
    if (type === 'failure') throw new Error('the stream broke');
    yield { type };
  }
}

it('counts results', async () => {
  const counting = countResults(events('state', 'result', 'state', 'result'));
  await counting.first;
  await vi.waitFor(() => expect(counting.count).toBe(2), { timeout: 20_000 });
  counting.check();
});

it('tells of a stream that broke, before the first result and after it', async () => {
  await expect(countResults(events('state', 'failure')).first).rejects.toThrow('the stream broke');
  const counting = countResults(events('result', 'failure'));
  await counting.first;
  await vi.waitFor(() => expect(() => counting.check()).toThrow('the stream broke'), { timeout: 20_000 });
});
