// node bench/week/run.ts [--minutes 17] [--json] [--record FILE]: a week of simulated time on a site, and what grows
import { parseArgs } from 'node:util';
import { systemClock } from '#runtime/clock.ts';
import { replaceDate } from '#runtime/testing/replace-date.ts';
import { lookAround, recordMeasurement, SITE_FOLDERS } from '../record.ts';
import { type Pace, paceEnvironment } from './pace.ts';
import type { Rotated } from './rotation.ts';
import type { Day, WeekReport } from './week.ts';

const SAY_MS = 15_000;
const WEEK_MINUTES = 7 * 24 * 60;
/** All of it is in the past: for TLS the certificates that are made in it have to be valid now. */
const AGO_MS = 8 * 86_400_000;

const { values } = parseArgs({
  options: {
    /** Of real time. */
    minutes: { type: 'string', default: '17' },
    json: { type: 'boolean', default: false },
    record: { type: 'string' },
  },
});
const factor = WEEK_MINUTES / Number(values.minutes);
if (!(factor >= 1)) {
  process.stderr.write('usage: node bench/week/run.ts [--minutes 17] [--json] [--record FILE]\n');
  process.exit(2);
}
const realMs = Date.now();
const pace: Pace = { factor, realMs, simulatedMs: realMs - AGO_MS };
Object.assign(process.env, paceEnvironment(pace));
await import('./fast-clock.ts');
// What makes the site asks the system for the time: certificates begin then.
replaceDate(() => systemClock.now());
const { week } = await import('./week.ts');
const stop = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort(new Error(name)));
// By the real clock.
const circumstances = { ...(await lookAround(SITE_FOLDERS)), recordedAt: new Date(realMs).toISOString() };
let saidMs = 0;
const report = await week({
  ...{ pace, signal: stop.signal },
  onProgress: (text, share) => {
    if (performance.now() - saidMs < SAY_MS) return;
    saidMs = performance.now();
    const left = Math.round((1 - share) * Number(values.minutes));
    process.stderr.write(`${Math.round(100 * share)} %: ${text}, about ${left} minutes left\n`);
  },
});
if (values.record !== undefined) await recordMeasurement(values.record, report, circumstances);
process.stdout.write(`${values.json ? JSON.stringify(report, null, 2) : format(report)}\n`);
process.exit(report.wrong.length === 0 ? 0 : 1);

function format({ days, ...report }: WeekReport): string {
  const row = (name: string, of: (day: Day) => number) =>
    `${name.padEnd(20)}${days.map((day) => of(day).toFixed(1).padStart(8)).join('')}`;
  const names = ['gateway', 'backend', 'broker'] as const;
  const { oldestDays } = report;
  const kilobytes = (bytes: number | null) => ((bytes ?? 0) / 1024).toFixed(0);
  const log = ({ rolled, bytes }: Rotated) =>
    `rolled ${rolled} times, ${kilobytes(bytes.newer)} and ${kilobytes(bytes.older)} KB`;
  const age = (value: number | null) => (value === null ? 'none' : `${value.toFixed(1)} days old`);
  return [
    `${report.machine}\ncommit ${report.commit}, ${Math.round(report.factor)} times real time\n`,
    `${'day'.padEnd(20)}${days.map((_, i) => String(i + 1).padStart(8)).join('')}`,
    ...names.map((name) => row(`${name}, MB`, (day) => day.memoryMegabytes[name])),
    ...names.map((name) => row(`${name}, descriptors`, (day) => day.descriptors[name])),
    row('site on disk, MB', (day) => day.diskMegabytes.site),
    row('gateway on disk, MB', (day) => day.diskMegabytes.gateway),
    `\nmade ${report.made}, accepted ${report.accepted}, dropped ${report.dropped}; certificates of each gateway: ${report.certificates.join(', ')}`,
    `logs of each gateway: ${report.logs.map(log).join('; ')}`,
    `the oldest result ${age(oldestDays.result)}, rolled-up minute ${age(oldestDays.minute)}, hour ${age(oldestDays.hour)}`,
    report.wrong.length === 0 ? 'all is well' : `wrong: ${report.wrong.join('; ')}`,
  ].join('\n');
}
