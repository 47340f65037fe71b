import type { RecordedClear } from '../clear/clear-record.ts';
import type { FormFigures } from '../clear/clear-result.ts';
import { markdownTable } from './markdown-table.ts';

/** Three digits, and no more zeros than that. */
function figure(value: number): string {
  const rounded = Number(value.toPrecision(3));
  return `${rounded}`;
}

const megabytes = (bytes: number): string => `${figure(bytes / 1e6)} MB`;
const milliseconds = (ms: number): string => `${figure(ms)} ms`;

/** What each form says of itself, side by side. */
function forms(
  { encrypted, plainWeights, clear }: RecordedClear,
  tell: (form: FormFigures) => string,
): string[] {
  return [encrypted, plainWeights, clear].map(tell);
}

/** The machines, runtimes and commits that rows were measured with, as a sentence. */
function circumstances(rows: readonly RecordedClear[]): string {
  const each = (of: (row: RecordedClear) => string): string => [...new Set(rows.map(of))].join('; ');
  const commits = each(({ commit, recordedAt }) => `\`${commit.slice(0, 7)}\` (${recordedAt.slice(0, 10)})`);
  const rates = (of: (row: RecordedClear) => number): string => {
    const all = rows.map((row) => of(row) / 1e9);
    return `${figure(Math.min(...all))} to ${figure(Math.max(...all))}`;
  };
  return [
    `Measured on ${each(({ machine }) => machine)}, ${each(({ clear }) => clear.runtime)}, at ${commits}.`,
    `An empty Node.js process has ${megabytes(Math.max(...rows.map(({ emptyBytes }) => emptyBytes)))}.`,
    `The machine reads ${rates(({ limit }) => limit.machine.bytes)} GB a second from memory with both threads, and the kernel makes`,
    `${rates(({ limit }) => limit.machine.products)} billion products that are added up, or ${rates(({ limit }) => limit.machine.butterflies)} billion butterflies.`,
  ].join(' ');
}

/** The tables about the same network in its forms, by their names on the page; none where nothing was recorded. */
export function clearTables(rows: readonly RecordedClear[]): Record<string, string> {
  if (rows.length === 0) return {};
  const three = ['encrypted', 'plain weights', 'in the clear'];
  const times = (factor: number): string => `${figure(factor)} ×`;
  return {
    'clear-time': markdownTable(
      ['network', ...three, ...three.map((form) => `processor, ${form}`), 'weights alone', 'everything'],
      rows.map((row) => [
        row.network,
        ...forms(row, ({ medianMs }) => milliseconds(medianMs)),
        ...forms(row, ({ processorMs }) => milliseconds(processorMs)),
        times(row.encrypted.medianMs / row.plainWeights.medianMs),
        times(row.encrypted.medianMs / row.clear.medianMs),
      ]),
    ),
    'clear-memory': markdownTable(
      ['network', ...three, ...three.map((form) => `reads, ${form}`)],
      rows.map((row) => [
        row.network,
        ...forms(row, ({ peakBytes }) => megabytes(peakBytes)),
        ...forms(row, ({ bytesRead }) => megabytes(bytesRead)),
      ]),
    ),
    'clear-limit': `${markdownTable(
      ['network', 'encrypted', 'memory alone', 'products alone', 'of the limit'],
      rows.map(({ network, encrypted, limit }) => [
        network,
        milliseconds(encrypted.medianMs),
        milliseconds(limit.bytesMs),
        milliseconds(limit.productsMs),
        `${(100 * limit.share).toFixed(0)} %`,
      ]),
    )}\n\n${circumstances(rows)}`,
  };
}
