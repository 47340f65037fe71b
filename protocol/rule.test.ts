import { describe, expect, it } from 'vitest';
import { Rule } from './rule.ts';
import { isIdleLabel } from './situation.ts';

describe('a rule', () => {
  it('has sensible values for what is left out', () => {
    const rule = { name: 'night', when: { kind: 'answer', cameras: 'all' } };
    expect(Rule.parse(rule)).toEqual({
      name: 'night',
      ...{ enabled: true, severity: 'warning', coolDownSeconds: 300, notify: [] },
      when: { kind: 'answer', cameras: 'all', forSeconds: 0 },
    });
  });

  it.each([
    [{ name: 'n', when: { kind: 'answer', cameras: [] } }, 'when'],
    [{ name: 'n', when: { kind: 'answer', cameras: 'all', zones: 'door' } }, 'when'],
    [{ name: 'n', when: { kind: 'absence', cameras: 'all', forSeconds: 1 } }, 'when'],
    [{ name: 'n', when: { kind: 'weather' } }, 'when'],
    [{ name: 'Über', when: { kind: 'unusual', cameras: 'all' } }, 'name'],
    [
      {
        ...{ name: 'n', when: { kind: 'unusual', cameras: 'all' } },
        schedule: { from: '22:00', to: '24:00' },
      },
      'schedule',
    ],
    [
      {
        ...{ name: 'n', when: { kind: 'unusual', cameras: 'all' } },
        schedule: { from: '22:00', to: '06:00', timeZone: 'Europe/Atlantis' },
      },
      'schedule',
    ],
    [{ name: 'n', when: { kind: 'unusual', cameras: 'all' }, notify: ['a', 'a'] }, 'notify'],
  ])('is refused where it cannot be meant: %j', (rule, path) => {
    expect(Rule.safeParse(rule).error?.issues[0]?.path[0]).toBe(path);
  });
});

it.each([
  ['absent', true],
  ['Empty', true],
  ['no-helmet', true],
  ['no_car', true],
  ['nothing', true],
  ['present', false],
  ['north', false],
  ['notebook', false],
  ['clearance', false],
])('whether %s means that nothing is there: %s', (label, idle) => {
  expect(isIdleLabel(label)).toBe(idle);
});
