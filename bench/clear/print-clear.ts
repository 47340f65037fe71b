import { table } from '../print.ts';
import type { ClearResult, FormFigures } from './clear-result.ts';

/** Three digits and a unit: 0.0269 ms, 12.6 ms. */
function milliseconds(value: number): string {
  return `${Number(value.toPrecision(3))} ms`;
}

function megabytes(bytes: number): string {
  return `${Number((bytes / 1e6).toPrecision(3))} MB`;
}

function formRow(network: string, form: string, figures: FormFigures): string[] {
  const { medianMs, processorMs, peakBytes, bytesRead } = figures;
  return [
    network,
    form,
    milliseconds(medianMs),
    milliseconds(processorMs),
    megabytes(peakBytes),
    megabytes(bytesRead),
  ];
}

/** Results as tables for a terminal. */
export function printClear(results: readonly ClearResult[]): string {
  const forms = results.flatMap(({ network, encrypted, plainWeights, clear }) => [
    formRow(network, 'encrypted', encrypted),
    formRow('', 'plain weights', plainWeights),
    formRow('', `${clear.runtime}, threads: ${clear.threads}`, clear),
  ]);
  const limits = results.map(({ network, encrypted, limit }) => [
    network,
    milliseconds(encrypted.medianMs),
    milliseconds(limit.bytesMs),
    milliseconds(limit.productsMs),
    `${(100 * limit.share).toFixed(0)} %`,
  ]);
  return [
    'A frame of the same network in its forms, on the same cores; memory is the peak of the process, Node.js included',
    ...table(['network', 'form', 'time', 'processor', 'memory', 'reads'], forms),
    '',
    'A frame encrypted, and what memory and arithmetic of this machine would take for it at least',
    ...table(['network', 'time', 'memory alone', 'products alone', 'of the limit'], limits),
  ].join('\n');
}
