import type { Growth, SoakReport } from './soak.ts';

const shown = (value: number | null): string => (value === null ? '?' : value.toFixed(1));

/** What a soak came to, as a table. */
export function formatSoak(report: SoakReport): string {
  const { machine, commit, network, minutes, warmMinutes, answers, answersPerSecond } = report;
  const rows: [string, Growth][] = [];
  const add = (what: string, values: Readonly<Record<string, Growth>>) => {
    for (const [name, value] of Object.entries(values)) rows.push([`${name}: ${what}`, value]);
  };
  add('memory, MB', report.memoryMegabytes);
  add('descriptors', report.descriptors);
  add('threads', report.threads);
  add('disk, MB', report.diskMegabytes);
  const line = (cells: readonly string[]) =>
    cells.map((cell, i) => (i === 0 ? cell.padEnd(22) : cell.padStart(10))).join('');
  return [
    machine,
    `commit ${commit}`,
    `${network} for ${minutes} minutes, the first ${warmMinutes.toFixed(1)} left out: ${answers} answers, ${answersPerSecond.toFixed(1)} a second`,
    '',
    line(['', 'first', 'warm', 'last', 'an hour', '1st', '2nd', '3rd', '4th quarter']),
    ...rows.map(([name, { first, warm, last, hourly, quarters }]) =>
      line([name, ...[first, warm, last, hourly, ...quarters].map(shown)]),
    ),
  ].join('\n');
}
