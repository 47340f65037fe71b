import type { LayoutCost, WeighedLayout, WeighedLayouts } from '../packing/weigh-layouts.ts';
import { formatBytes, formatMilliseconds } from './units.ts';

/** Layouts that the table shows; JSON has all of them. */
const SHOWN = 12;
/** Differences below this are none. */
const SAME_PERCENT = 0.05;

function costs({ milliseconds, products, rotations, bytes }: LayoutCost): string[] {
  return [formatMilliseconds(milliseconds), String(products), String(rotations), formatBytes(bytes)];
}

function describe({ name, ciphertexts }: WeighedLayout): string {
  return ciphertexts > 1 ? `${name}, ${ciphertexts} ciphertexts` : name;
}

function listOf(layers: readonly number[]): string {
  return `${layers.length === 1 ? 'layer' : 'layers'} ${layers.join(', ')}`;
}

/** How much more one layout takes than another, in words; only what differs. */
function difference(one: LayoutCost, other: LayoutCost): string {
  const more = (amount: number, text: string): string[] =>
    amount === 0 ? [] : [`${text} ${amount > 0 ? 'more' : 'less'}`];
  const parts = [
    ...more(
      one.milliseconds - other.milliseconds,
      formatMilliseconds(Math.abs(one.milliseconds - other.milliseconds)),
    ),
    ...more(one.products - other.products, `${Math.abs(one.products - other.products)} products`),
    ...more(one.rotations - other.rotations, `${Math.abs(one.rotations - other.rotations)} rotations`),
  ];
  return parts.length === 0 ? 'the same' : parts.join(', ');
}

/** How a layout compares that costs `share` percent more than the one chosen. */
function verdict(share: number): string {
  if (Math.abs(share) < SAME_PERCENT) return 'would cost the same';
  if (share > 0) return `is the next best and would cost ${share.toFixed(1)} % more`;
  return `would cost ${(-share).toFixed(1)} % less with every other layer as it is, which the search missed: it compares on a sample of rows`;
}

/** Why the chosen layout, in sentences. */
export function reasonsFor({ layouts, readBy, unfit, millisecondsPerMegabyte }: WeighedLayouts): string[] {
  const chosen = layouts.find((layout) => layout.chosen);
  if (chosen === undefined) return [];
  const bytes = chosen.own.bytes + chosen.readers.bytes;
  const price = (bytes / 1e6) * millisecondsPerMegabyte;
  const after =
    readBy.length === 0
      ? ''
      : ` and ${formatMilliseconds(chosen.readers.milliseconds)} in ${listOf(readBy)}, which ${readBy.length === 1 ? 'reads' : 'read'} it`;
  const reasons = [
    `“${describe(chosen)}” costs ${formatMilliseconds(chosen.own.milliseconds)} here${after}. The ${formatBytes(bytes)} of constants and keys count as ${formatMilliseconds(price)}: ${formatMilliseconds(chosen.value)} in all.`,
  ];
  const compare = (other: WeighedLayout): string =>
    `here it takes ${difference(other.own, chosen.own)}${readBy.length === 0 ? '' : `; in ${listOf(readBy)} ${difference(other.readers, chosen.readers)}`}`;
  const exact = layouts.filter((layout) => layout.exact && !layout.chosen);
  const next = exact[0];
  if (next !== undefined) {
    const share = 100 * (next.value / chosen.value - 1);
    reasons.push(
      `“${describe(next)}” ${verdict(share)}${Math.abs(share) < SAME_PERCENT ? '' : `: ${compare(next)}`}.`,
    );
  }
  const alone = layouts.reduce((a, b) => (b.own.milliseconds < a.own.milliseconds ? b : a));
  if (alone !== chosen && alone !== next && readBy.length > 0)
    reasons.push(`“${describe(alone)}” would be the cheapest for this layer alone: ${compare(alone)}.`);
  if (unfit.length > 0) reasons.push(`${unfit.length} layouts do not allow the pooling beside this layer.`);
  return reasons;
}

/** Weighed layouts as text: a table, then the reasons. */
export function printWeighed(name: string, weighed: WeighedLayouts): string {
  const { layer, inputs, outputs, level, layouts, sharedWith } = weighed;
  const shown = layouts.slice(0, SHOWN);
  const chosen = layouts.find((layout) => layout.chosen);
  if (chosen !== undefined && !shown.includes(chosen)) shown.push(chosen);
  const rows = [
    [
      '',
      'together',
      'here',
      'products',
      'rotations',
      'bytes',
      'readers',
      'products',
      'rotations',
      'bytes',
      'layout',
    ],
    ...shown.map((layout) => [
      layout.chosen ? '→' : layout.exact ? '' : '≥',
      formatMilliseconds(layout.value),
      ...costs(layout.own),
      ...costs(layout.readers),
      describe(layout),
    ]),
  ];
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const table = rows.map((row) =>
    row.map((cell, i) => (i === row.length - 1 ? cell : cell.padStart(widths[i]!))).join('  '),
  );
  return [
    `${name}: layer ${layer}, ${inputs} → ${outputs} values at level ${level}`,
    '',
    ...table,
    '',
    `${layouts.length} layouts considered, every other layer as it is; → chosen, ≥ estimated on a sample of rows. Times of a typical two-core machine: a plan must not depend on the one that makes it.`,
    ...(sharedWith.length > 0
      ? [`It shares its layout with ${listOf(sharedWith)}: their values are multiplied.`]
      : []),
    '',
    ...reasonsFor(weighed),
    '',
  ].join('\n');
}
