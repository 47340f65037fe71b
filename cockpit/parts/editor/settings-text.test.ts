import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { settingAt } from '../../view/json-schema.ts';
import { changeSetting, readSettings } from './settings-text.ts';

const TEXT = `# The yard.
log: { level: warn } # quiet
cameras:
  # At the gate.
  - name: door
    url: rtsp://10.0.0.21/live # the old one
    masks:
      - [[0, 0], [0.2, 0], [0.2, 0.3]]
  - name: hall
    url: rtsp://10.0.0.22/live
healthSeconds: 30
`;

describe('a setting of a text', () => {
  it.each([
    ['another number', ['healthSeconds'], 60, '30\n', '60\n'],
    ['within braces', ['log', 'level'], 'error', 'warn', 'error'],
    [
      'with a comment behind it',
      ['cameras', 0, 'url'],
      'rtsp://a/b',
      'rtsp://10.0.0.21/live',
      '"rtsp://a/b"',
    ],
    [
      'a corner',
      ['cameras', 0, 'masks', 0],
      [
        [0.1, 0],
        [0.2, 0],
        [0.2, 0.3],
      ],
      '[[0, 0], [',
      '[[0.1, 0], [',
    ],
    ['one more of a camera', ['cameras', 1, 'rate'], 5, '22/live\n', '22/live\n    rate: 5\n'],
    [
      'one more mask',
      ['cameras', 0, 'masks', 1],
      [
        [0, 0],
        [1, 0],
        [1, 1],
      ],
      '0.3]]\n',
      '0.3]]\n      - [[0, 0], [1, 0], [1, 1]]\n',
    ],
    [
      'one more camera',
      ['cameras', 2],
      { name: 'roof', url: '' },
      '22/live\n',
      '22/live\n  - name: roof\n    url: ""\n',
    ],
    ['one more at the top', ['outbox'], { maxMegabytes: 9 }, '30\n', '30\noutbox: { maxMegabytes: 9 }\n'],
    [
      'one more within what is not there',
      ['outbox', 'maxMegabytes'],
      9,
      '30\n',
      '30\noutbox: { maxMegabytes: 9 }\n',
    ],
    [
      'the first mask of a camera',
      ['cameras', 1, 'masks', 0],
      [
        [0, 0],
        [1, 0],
        [1, 1],
      ],
      '22/live\n',
      '22/live\n    masks:\n      - [[0, 0], [1, 0], [1, 1]]\n',
    ],
    ['none', ['healthSeconds'], undefined, 'healthSeconds: 30\n', ''],
    ['a camera less', ['cameras', 1], undefined, '  - name: hall\n    url: rtsp://10.0.0.22/live\n', ''],
  ] as const)('changes in place: %s', (_, path, value, before, after) => {
    expect(changeSetting(TEXT, path, value)).toBe(TEXT.replace(before, after));
  });

  it.each([
    ['of nothing', '', ['cameras', 0], { name: 'a', url: 'b' }, { cameras: [{ name: 'a', url: 'b' }] }],
    ['of an empty list', 'cameras: [] # none', ['cameras', 0], { name: 'a' }, { cameras: [{ name: 'a' }] }],
    ['below nothing', 'log:\n', ['log', 'level'], 'info', { log: { level: 'info' } }],
    ['that looks like another kind', 'a: 1\n', ['a'], 'no', { a: 'no' }],
    ['that is a number as text', 'a: 1\n', ['a'], '1e3', { a: '1e3' }],
    ['of a line', 'a: { b: 1, c: 2 }\n', ['a', 'b'], undefined, { a: { c: 2 } }],
    [
      'first of a camera',
      'cameras:\n  - url: b\n    name: a\n',
      ['cameras', 0, 'url'],
      undefined,
      { cameras: [{ name: 'a' }] },
    ],
    ['with an alias', 'a: &x 1\nb: *x\n', ['b'], 2, { a: 1, b: 2 }],
    ['of many lines', 'a: |\n  b\n  c\nd: 1\n', ['a'], 'e', { a: 'e', d: 1 }],
    ['whose text has a quote and a break', 'a: "b"\n', ['a'], 'c"\nd', { a: 'c"\nd' }],
  ] as const)('is right where it is written anew: %s', (_, text, path, value, expected) => {
    expect(readSettings(changeSetting(text, path, value))).toMatchObject({ value: expected, isWhole: true });
  });

  it('keeps comments where the text is written anew', () => {
    const text = changeSetting('# a\nlog: { level: info, format: json } # b\n', ['log', 'level'], undefined);
    expect(text).toBe('# a\nlog: { format: json } # b\n');
  });

  it('is not read from what is no YAML, nor from a bomb', () => {
    expect(readSettings('a: [').isWhole).toBe(false);
    expect(readSettings('just words').isWhole).toBe(false);
    const bomb = `a: &a [1,1,1,1,1,1,1,1,1]\nb: &b [${'*a,'.repeat(9)}]\nc: &c [${'*b,'.repeat(9)}]\nd: [${'*c,'.repeat(9)}]`;
    expect(readSettings(bomb)).toMatchObject({ value: {}, isWhole: false });
  });

  it('has the wanted value, and loses no comment, whatever is changed one after the other', () => {
    const point = fc.tuple(fc.constantFrom(0, 0.25, 1), fc.constantFrom(0, 0.5, 1));
    const mask = fc.array(point, { minLength: 3, maxLength: 5 });
    const index = fc.constantFrom(0, 1);
    const change = fc.oneof(
      fc.tuple(fc.constant(['healthSeconds']), fc.constantFrom(7, 'x: # y', '', 'no', undefined)),
      fc.tuple(fc.constant(['log', 'format']), fc.constantFrom('json', 'a "b"', undefined)),
      fc.tuple(fc.constant(['outbox', 'maxMegabytes']), fc.constantFrom(3, 'three', undefined)),
      fc.tuple(
        index.map((at) => ['cameras', at, 'rate']),
        fc.constantFrom(1, 0.5, '1.', undefined),
      ),
      fc.tuple(
        index.map((at) => ['cameras', at, 'masks', 0]),
        mask,
      ),
      fc.tuple(
        index.map((at) => ['cameras', at, 'region']),
        fc.constantFrom({ x: 0, y: 0.5, width: 1, height: 0.5 }, undefined),
      ),
    );
    fc.assert(
      fc.property(fc.array(change, { maxLength: 8 }), (changes) => {
        let text = TEXT;
        for (const [path, value] of changes) {
          text = changeSetting(text, path, value);
          const read = readSettings(text);
          expect(read.isWhole).toBe(true);
          expect(settingAt(read.value, path)).toEqual(value);
        }
        for (const comment of ['# The yard.', '# quiet', '# At the gate.', '# the old one'])
          expect(text).toContain(comment);
      }),
      { seed: 5, numRuns: 60 },
    );
  });
});
