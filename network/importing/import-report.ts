import type { ImportedNetwork } from './import-network.ts';

function percent(share: number): string {
  return `${(100 * share).toFixed(2)} %`;
}

function short(value: number): string {
  return Number.isNaN(value) ? '-' : value.toPrecision(3);
}

/** What became of each layer, as a table for people. */
export function importText(imported: ImportedNetwork): string {
  const heading = ['layer', 'operator', 'range', 'by', 'degree', 'worst error', 'typical error', 'accuracy'];
  const rows = imported.layers.map((layer) => [
    layer.node,
    layer.operator,
    `${short(layer.low)} … ${short(layer.high)}`,
    layer.method,
    String(layer.degree),
    short(layer.worstError),
    short(layer.typicalError),
    percent(layer.accuracy),
  ]);
  const widths = heading.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]!.length)),
  );
  const lines = [heading, ...rows].map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  );
  return [
    ...(rows.length === 0 ? ['Every activation is a square already: nothing to approximate.'] : lines),
    '',
    `accuracy on held-out pictures: ${percent(imported.accuracyBefore)} as given, ${percent(imported.accuracyApproximated)} approximated, ${percent(imported.accuracyAfter)} in the end`,
  ].join('\n');
}

/** The same for programs; what is not a number is null. */
export function importJson(imported: ImportedNetwork): object {
  const { layers, ranges, accuracyBefore, accuracyApproximated, accuracyAfter } = imported;
  return {
    layers: layers.map((layer) => ({
      ...layer,
      worstError: Number.isNaN(layer.worstError) ? null : layer.worstError,
    })),
    ranges,
    accuracyBefore,
    accuracyApproximated,
    accuracyAfter,
  };
}
