import type { ChaosReport } from './chaos-report.ts';

/** Of long lists, what is shown. */
const SHOWN = 10;

/** What a run came to, for people. */
export function formatChaos(report: ChaosReport): string {
  const { seed, seconds, gateways, rate, store, broker, everyMs, moments, made, stored, isWell } = report;
  const { unpromised, dropped, refused, withheld, lost, twice, wrong, surprises, impossible } = report;
  const kinds = Object.entries(moments).toSorted(([one], [other]) => one.localeCompare(other));
  const width = Math.max(...kinds.map(([name]) => name.length), 0);
  const total = kinds.reduce((sum, [, count]) => sum + count, 0);
  const list = (title: string, lines: readonly string[]) =>
    lines.length === 0 ? [] : [`${title}:`, ...lines.slice(0, SHOWN).map((line) => `  ${line}`)];
  return [
    report.machine,
    `commit ${report.commit}`,
    `seed ${seed}, ${seconds} s, ${gateways} gateways at ${rate} Hz, ${broker} and ${store}, a fault every ${everyMs} ms`,
    '',
    ...kinds.map(([name, count]) => `  ${name.padEnd(width)}  ${String(count).padStart(4)}`),
    `  ${'all'.padEnd(width)}  ${String(total).padStart(4)}`,
    ...(impossible.length > 0 ? [`not possible here: ${impossible.join(', ')}`] : []),
    '',
    `made ${made}, stored ${stored}, promised and not stored ${report.missing}, dropped and counted ${dropped}, refused for their date and counted ${refused}, killed before they were promised ${unpromised}`,
    ...Object.entries(withheld).map(([reason, count]) => `withheld (${reason}): ${count}`),
    `lost ${lost.length}, twice ${twice.length}; all settled ${report.healSeconds} s after the last fault`,
    ...list('lost', lost),
    ...list('twice', twice),
    ...list('wrong', wrong),
    ...list('ended by themselves', surprises),
    ...(isWell
      ? []
      : [`repeat it: npm run chaos -- --seed ${seed} --minutes ${seconds / 60}; logs: ${report.folder}`]),
  ].join('\n');
}
