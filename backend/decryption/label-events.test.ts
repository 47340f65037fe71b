import { describe, expect, it } from 'vitest';
import type { Result } from '#protocol/messages.ts';
import { LabelEvents } from './label-events.ts';

const NOTHING_TOLD = { latest: async () => null, latestRegions: async () => [] };
const SEEN = { camera: 'door', model: 'counter', modelVersion: 1, historical: false };

/** The news among labels, one a second: `second label`. */
async function newsOf(
  labels: string,
  events = new LabelEvents({ results: NOTHING_TOLD }),
  { historical = false, fromMs = 0, equal = 3 } = {},
): Promise<string[]> {
  const news: string[] = [];
  for (const [second, label] of [...labels].entries()) {
    const seen = { ...SEEN, historical, label, frameMs: fromMs + second * 1000 };
    if (await events.add(seen, equal)) news.push(`${second} ${label}`);
  }
  return news;
}

describe('LabelEvents', () => {
  it('tells a label once it is three of the latest five, and once', async () => {
    expect(await newsOf('aaaaaaaa')).toEqual(['2 a']);
    expect(await newsOf('aaabbbbb')).toEqual(['2 a', '5 b']);
  });

  it('tells nothing of a label that comes and goes', async () => {
    expect(await newsOf('aaabaabaabaa')).toEqual(['2 a']);
    expect(await newsOf('aaababbabab')).toEqual(['2 a', '6 b']);
    expect(await newsOf('abcabcabcabc')).toEqual([]);
  });

  it('counts as many as the owner says', async () => {
    expect(await newsOf('aaaaaabbbbbb', undefined, { equal: 5 })).toEqual(['4 a', '10 b']);
  });

  it('counts answers that come behind others apart, and none twice', async () => {
    const events = new LabelEvents({ results: NOTHING_TOLD });
    await newsOf('aaaaaa', events, { fromMs: 60_000 });
    expect(await newsOf('bbbbbb', events)).toEqual(['2 b']);
    expect(await newsOf('aaaaaa', events)).toEqual([]);
  });

  it('goes on after a restart from what was told, and tells it again of another network or policy', async () => {
    const told = (change: Partial<Result>) => ({
      latest: async () =>
        ({ ...SEEN, label: 'a', output: 'event', frameTime: '1970-01-01T00:00:00Z', ...change }) as Result,
      latestRegions: async () => [],
    });
    const news = (change: Partial<Result>) =>
      newsOf('aaaaa', new LabelEvents({ results: told(change) }), { fromMs: 9000 });
    expect(await news({})).toEqual([]);
    expect(await news({ modelVersion: 2 })).toEqual(['2 a']);
    expect(await news({ output: 'label' })).toEqual(['2 a']);
  });

  it('tells what happened while the gateway was offline, and then what is the present again', async () => {
    const events = new LabelEvents({ results: NOTHING_TOLD });
    expect(await newsOf('aaa', events)).toEqual(['2 a']);
    expect(await newsOf('aaa', events, { fromMs: 60_000 })).toEqual([]);
    expect(await newsOf('aabbbaaa', events, { historical: true, fromMs: 10_000 })).toEqual(['4 b', '7 a']);
    expect(await newsOf('bbbb', events, { historical: true, fromMs: 20_000 })).toEqual(['2 b']);
    // The page shows b since 0:22 now, so the present, which never changed, is news.
    expect(await newsOf('a', events, { fromMs: 63_000 })).toEqual(['0 a']);
  });

  it('follows each region by itself', async () => {
    const events = new LabelEvents({ results: NOTHING_TOLD });
    const add = (region: string, label: string, frameMs: number) =>
      events.add({ ...SEEN, region, label, frameMs }, 3);
    for (const frameMs of [1, 2]) {
      expect(await add('left', 'a', frameMs)).toBe(false);
      expect(await add('right', 'b', frameMs)).toBe(false);
    }
    expect(await add('left', 'a', 3)).toBe(true);
    expect(await add('right', 'b', 3)).toBe(true);
  });
});
