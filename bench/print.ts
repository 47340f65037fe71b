import type { AuditCost } from './audits.ts';
import type { CameraSpeed } from './camera.ts';
import type { BenchReport } from './report.ts';

const MEGABYTE = 1e6;
const KILOBYTE = 1e3;

/** Costs of audits as sentences. */
export function formatAuditCosts(costs: readonly AuditCost[]): string {
  return costs
    .map(
      ({ network, auditMs, withoutMs, keepingMs, ratio }) =>
        `${network}: an audit takes ${auditMs.toFixed(1)} ms; a picture ${withoutMs.toFixed(1)} ms on a gateway that keeps no openings, ` +
        `${keepingMs.toFixed(1)} ms on one that does (${((ratio - 1) * 100).toFixed(1)} %)`,
    )
    .join('\n');
}

/** The speed of a site as sentences. */
export function formatCameraSpeed(speed: CameraSpeed): string {
  const { machine, commit, network, camera, pictureToPageMs, stagesMs, processorMsPerAnswer } = speed;
  const list = (values: Readonly<Record<string, number>>) =>
    Object.entries(values)
      .map(([name, ms]) => `${name} ${ms.toFixed(1)}`)
      .join(', ');
  return [
    machine,
    `commit ${commit}`,
    '',
    `${network}, one camera of ${camera.width} × ${camera.height} pixels at ${camera.picturesPerSecond} pictures a second:`,
    `${speed.answersPerSecond.toFixed(1)} answers a second over ${speed.seconds.toFixed(0)} s`,
    `picture to page: ${pictureToPageMs.median.toFixed(0)} ms (median), ${pictureToPageMs.p95.toFixed(0)} ms (95 %)`,
    `stages, median ms: ${list(stagesMs)}`,
    `processor time for one answer, ms: ${list(processorMsPerAnswer)}`,
  ].join('\n');
}

/** The report as two tables for a terminal. */
export function formatReport({ machine, commit, operations, frames }: BenchReport): string {
  const ms = (value: number): string => value.toFixed(value < 10 ? 2 : 1);
  const operationRows = operations.map((row) => [
    row.name,
    String(row.ringDegree),
    String(row.limbs),
    String(row.threads),
    `${ms(row.engineMs)} ±${ms(row.engineSpreadMs)}`,
    `${ms(row.nodeSealMs)} ±${ms(row.nodeSealSpreadMs)}`,
    `${row.ratio.toFixed(1)} ×`,
  ]);
  const frameRows = frames.map((row) => [
    row.network,
    String(row.threads),
    ms(row.encryptMs),
    ms(row.evaluateMs),
    `${ms(row.totalMs)} ±${ms(row.spreadMs)}`,
    ms(row.nodeSealMs),
    `${row.ratio.toFixed(1)} ×`,
    (row.bundleBytes / MEGABYTE).toFixed(1),
    (row.evaluationKeyBytes / MEGABYTE).toFixed(1),
    (row.resultBytes / KILOBYTE).toFixed(1),
    row.worstError.toExponential(1),
  ]);
  return [
    machine,
    `commit ${commit}`,
    '',
    'Operations, median ± interquartile range in ms; node-seal in the same process, in turn',
    ...table(['operation', 'N', 'primes', 'threads', 'engine', 'node-seal', 'ratio'], operationRows),
    '',
    'Frames, weights and picture encrypted, one picture; times in ms',
    ...table(
      [
        'network',
        'threads',
        'encrypt',
        'evaluate',
        'total',
        'node-seal',
        'ratio',
        'bundle MB',
        'keys MB',
        'answer kB',
        'worst error',
      ],
      frameRows,
    ),
  ].join('\n');
}

/** Columns as wide as their widest entry; the first left-aligned, the others right-aligned. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]!.length)));
  return [head, ...rows].map((row) =>
    row
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
      .join('  ')
      .trimEnd(),
  );
}
