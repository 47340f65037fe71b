import { describe, expect, it } from 'vitest';
import { RefusalWatch } from './refusal-watch.ts';

const REFUSAL = { code: 'BUNDLE_KEY_MISSING', message: 'a key is missing' };
const settled = () => new Promise((resolve) => setImmediate(resolve));

function bench(next: () => Promise<string | null>) {
  const renewed: string[] = [];
  const ended: unknown[] = [];
  const watch = new RefusalWatch(
    'first',
    (refused) => {
      renewed.push(refused);
      return next();
    },
    (error) => ended.push(error),
    '/srv/site/logs/agent.log',
  );
  return { watch, renewed, ended };
}

describe('RefusalWatch', () => {
  it('has a refused network made anew once, and ends with the reason the second time', async () => {
    const { watch, renewed, ended } = bench(async () => 'second');
    watch.hear('older', REFUSAL);
    watch.hear('first', REFUSAL);
    watch.hear('first', REFUSAL);
    await settled();
    watch.hear('first', REFUSAL);
    expect([renewed, ended]).toEqual([['first'], []]);
    watch.hear('second', REFUSAL);
    expect(ended).toEqual([
      expect.objectContaining({
        code: 'DEMO_REFUSED',
        message:
          'the gateway refuses the network: a key is missing (BUNDLE_KEY_MISSING); its log: /srv/site/logs/agent.log',
      }),
    ]);
    expect(renewed).toEqual(['first']);
  });

  it('ends at once where the network is not its own, or cannot be made', async () => {
    const foreign = bench(async () => null);
    foreign.watch.hear('first', REFUSAL);
    await settled();
    expect(foreign.ended).toEqual([expect.objectContaining({ code: 'DEMO_REFUSED' })]);
    const failing = bench(() => Promise.reject(new Error('disk full')));
    failing.watch.hear('first', REFUSAL);
    await settled();
    expect(failing.ended).toEqual([new Error('disk full')]);
  });
});
