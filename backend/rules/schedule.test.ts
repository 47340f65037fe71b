import { describe, expect, it } from 'vitest';
import { Schedule } from '#protocol/rule.ts';
import { LocalTime } from '../events/local-time.ts';
import { inSchedule } from './schedule.ts';

const vienna = new LocalTime('Europe/Vienna');

/** Local begins and ends within a span, to the minute, in UTC. */
function turns(schedule: Schedule, from: string, to: string): string[] {
  const found: string[] = [];
  let before = inSchedule(schedule, vienna.at(Date.parse(from) - 60_000));
  for (let at = Date.parse(from); at < Date.parse(to); at += 60_000) {
    const now = inSchedule(schedule, vienna.at(at));
    if (now !== before) found.push(`${now ? 'from' : 'to'} ${new Date(at).toISOString().slice(5, 16)}`);
    before = now;
  }
  return found;
}

const schedule = (from: string, to: string, days?: string[]) =>
  Schedule.parse({ from, to, ...(days !== undefined && { days }) });

describe('a schedule', () => {
  it('may pass midnight, and then belongs to the day on which it begins', () => {
    const nights = schedule('22:00', '06:00', ['fri', 'sat']);
    expect(turns(nights, '2026-01-08T00:00Z', '2026-01-13T00:00Z')).toEqual([
      'from 01-09T21:00',
      'to 01-10T05:00',
      'from 01-10T21:00',
      'to 01-11T05:00',
    ]);
  });

  it('is a whole day where begin and end are the same', () => {
    expect(turns(schedule('08:00', '08:00', ['sun']), '2026-01-09T00:00Z', '2026-01-14T00:00Z')).toEqual([
      'from 01-11T07:00',
      'to 01-12T07:00',
    ]);
    expect(turns(schedule('00:00', '00:00'), '2026-01-09T00:00Z', '2026-01-14T00:00Z')).toEqual([]);
  });

  it('goes by the clock on the wall when summer time begins: this night has seven hours, and no 02:30', () => {
    const span = ['2026-03-28T12:00Z', '2026-03-29T12:00Z'] as const;
    expect(turns(schedule('22:00', '06:00'), ...span)).toEqual(['from 03-28T21:00', 'to 03-29T04:00']);
    expect(turns(schedule('02:15', '02:45'), ...span)).toEqual([]);
    expect(turns(schedule('01:30', '03:30'), ...span)).toEqual(['from 03-29T00:30', 'to 03-29T01:30']);
  });

  it('likewise when it ends: this night has nine hours, and 02:30 comes twice', () => {
    const span = ['2026-10-24T12:00Z', '2026-10-25T12:00Z'] as const;
    expect(turns(schedule('22:00', '06:00'), ...span)).toEqual(['from 10-24T20:00', 'to 10-25T05:00']);
    expect(turns(schedule('02:15', '02:45'), ...span)).toEqual([
      'from 10-25T00:15',
      'to 10-25T00:45',
      'from 10-25T01:15',
      'to 10-25T01:45',
    ]);
  });

  it('goes by its own time zone', () => {
    const at = Date.parse('2026-07-01T23:30Z');
    const evening = schedule('19:00', '20:00');
    expect(inSchedule(evening, new LocalTime('America/New_York').at(at))).toBe(true);
    expect(inSchedule(evening, vienna.at(at))).toBe(false);
  });
});
