import { rateText } from '#network/model/confusion.ts';
import { shareText } from '#network/model/share-text.ts';
import type { ImportedNetwork } from './imported-network.ts';

/** Note about an ending that decryption does not reproduce exactly. */
const ENDING_NOTES: Readonly<Record<string, string>> = {
  Sigmoid:
    'Sigmoid at the end is left out: the same class comes first, but the probabilities of an answer will be those of Softmax over all classes.',
};

function short(value: number): string {
  return Number.isNaN(value) ? '-' : value.toPrecision(3);
}

/** What became of each layer, as a table for people. */
export function importText(imported: ImportedNetwork): string {
  const trained = imported.layers.some(({ accuracyTrained }) => accuracyTrained !== null);
  const heading = [
    ...['layer', 'operator', 'range', 'by', 'degree', 'worst error', 'typical error'],
    ...(trained ? ['before', 'replaced', 'trained'] : ['accuracy']),
    'seconds',
  ];
  const rows = imported.layers.map((layer) => [
    layer.node,
    layer.operator,
    `${short(layer.low)} … ${short(layer.high)}`,
    layer.method,
    String(layer.degree),
    short(layer.worstError),
    short(layer.typicalError),
    ...(trained ? [shareText(layer.accuracyBefore)] : []),
    shareText(layer.accuracy),
    ...(trained ? [layer.accuracyTrained === null ? '-' : shareText(layer.accuracyTrained)] : []),
    layer.seconds.toFixed(1),
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
  const rate = (share: number): string => rateText(share, imported.heldOut);
  return [
    ...(rows.length === 0 ? ['Every activation is a square already: nothing to approximate.'] : lines),
    '',
    ...(imported.ending === null
      ? []
      : [
          ENDING_NOTES[imported.ending] ??
            `${imported.ending} at the end is left out: it comes after decryption.`,
          '',
        ]),
    ...(imported.leftOut === 0
      ? []
      : [
          `${imported.leftOut} of the calibration pictures are far outside of what all others are, and are left out of the ranges: answers about pictures like these will be withheld`,
          '',
        ]),
    `accuracy on held-out pictures: ${rate(imported.accuracyBefore)} as given, ${rate(imported.accuracyApproximated)} approximated, ${rate(imported.accuracyAfter)} in the end`,
  ].join('\n');
}

/** The same for programs; NaN becomes null. */
export function importJson(imported: ImportedNetwork): object {
  const { layers, ending, ranges, leftOut, heldOut } = imported;
  const { accuracyBefore, accuracyApproximated, accuracyAfter } = imported;
  return {
    layers: layers.map(({ caption: _, ...layer }) => ({
      ...layer,
      worstError: Number.isNaN(layer.worstError) ? null : layer.worstError,
    })),
    ending,
    ranges,
    leftOut,
    heldOut,
    accuracyBefore,
    accuracyApproximated,
    accuracyAfter,
  };
}
