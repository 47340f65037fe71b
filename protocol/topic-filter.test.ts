import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { coversFilter, matchesFilter } from './topic-filter.ts';

describe('matchesFilter', () => {
  it.each([
    ['a/b', 'a/b', true],
    ['a/+', 'a/b', true],
    ['a/+', 'a/b/c', false],
    ['a/+', 'a', false],
    ['a/#', 'a', true],
    ['a/#', 'a/b/c', true],
    ['+/b', 'a/b', true],
    ['#', '$SYS/x', false],
    ['+/x', '$SYS/x', false],
    ['$SYS/#', '$SYS/x', true],
    ['a/b', 'a/b/', false],
  ])('%s against %s: %s', (filter, topic, expected) => expect(matchesFilter(filter, topic)).toBe(expected));
});

describe('coversFilter', () => {
  it.each([
    ['a/b/#', 'a/b/c', true],
    ['a/b/#', 'a/#', false],
    ['a/+/c', 'a/b/c', true],
    ['a/+/c', 'a/+/c', true],
    ['a/b/c', 'a/+/c', false],
    ['a/+', 'a/#', false],
    ['#', '$SYS/#', false],
    ['a/b', '#', false],
  ])('%s over %s: %s', (allowed, filter, expected) => expect(coversFilter(allowed, filter)).toBe(expected));

  it('never covers a filter that reaches a topic outside', () => {
    const level = fc.constantFrom('a', 'b', '$c');
    const filterLevel = fc.constantFrom('a', 'b', '$c', '+');
    const topic = fc.array(level, { minLength: 1, maxLength: 4 }).map((levels) => levels.join('/'));
    const filter = fc
      .tuple(fc.array(filterLevel, { minLength: 1, maxLength: 4 }), fc.boolean())
      .map(([levels, hash]) => [...levels, ...(hash ? ['#'] : [])].join('/'));
    fc.assert(
      fc.property(filter, filter, topic, (allowed, asked, any) => {
        if (coversFilter(allowed, asked) && matchesFilter(asked, any)) {
          expect(matchesFilter(allowed, any)).toBe(true);
        }
      }),
      { numRuns: 20_000 },
    );
  });
});
