import type { Explanation } from './explanation.ts';
import { formatBytes, formatMilliseconds } from './units.ts';

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  // Names left-aligned, figures right-aligned.
  return rows.map((row) =>
    row
      .map((cell, i) => (i === 0 || i >= 8 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
      .join('  ')
      .trimEnd(),
  );
}

/** The measurement, and how the estimate compares. */
function measuredFacts({ measured }: Explanation): [string, string][] {
  if (measured === null)
    return [['measured', 'not yet on this machine (`blindsight evaluate` measures and remembers)']];
  const { medianMs, p95Ms, frames, at, ratio } = measured;
  return [
    [
      'measured',
      `${formatMilliseconds(medianMs)} median, ${formatMilliseconds(p95Ms)} at 95 % of ${frames} frames (${at.slice(0, 10)}); the estimate is ${(100 * ratio).toFixed(0)} % of it`,
    ],
  ];
}

/** The cost per picture when a ciphertext holds several. */
function regionFacts({ regions, estimatedMs }: Explanation): [string, string][] {
  if (regions === 1) return [];
  return [
    [
      'regions',
      `${regions} pictures in one ciphertext: ${formatMilliseconds(estimatedMs.total / regions)} for each (estimate)`,
    ],
  ];
}

/** At this rate it is said how long an answer waits for others. */
const RATE = 10;

/** What answers.togetherSeconds saves with this network, and what that costs. */
function togetherFact({ answersTogether: places, bytes: { answer } }: Explanation): string {
  if (places === 1)
    return 'each answer needs a ciphertext of its own (answers.togetherSeconds changes nothing)';
  return `${places} answers in one ciphertext (answers.togetherSeconds): ${Math.round(answer / places)} bytes and 1/${places} of a decryption for each; at ${RATE} a second the first one waits ${(places - 1) / RATE} s for the last, at lower rates at most togetherSeconds`;
}

/** An explanation as text: a table of layers, then the totals. */
export function printExplanation(explanation: Explanation): string {
  const { layers, estimatedMs, bytes: size } = explanation;
  const rows = [
    ['layer', 'in', 'out', 'level', 'rotations', 'products', 'key switches', 'time', 'plan', 'outputs stand'],
    ...layers.map((layer) => [
      layer.kind === 'linear' ? `linear ${layer.number}` : '  product',
      String(layer.inputs),
      String(layer.outputs),
      String(layer.level),
      String(layer.rotations),
      String(layer.products),
      String(layer.keySwitches),
      formatMilliseconds(layer.estimatedMs),
      layer.plan,
      layer.ciphertexts > 1 ? `${layer.layout}, ${layer.ciphertexts} ciphertexts` : layer.layout,
    ]),
  ];
  const facts: [string, string][] = [
    ['ring degree N', String(explanation.ringDegree)],
    [
      'log2(QP)',
      `${explanation.logQP.toFixed(0)} bits of ${explanation.logQPLimit} that are ${explanation.securityBits}-bit secure (ia.cr/2024/463)`,
    ],
    ['levels', `${explanation.levels}, ${explanation.specialPrimes} special primes`],
    [
      'time a frame',
      `${formatMilliseconds(estimatedMs.total)}, ${formatMilliseconds(estimatedMs.encrypt)} of it encryption (estimate, ${explanation.machine.measured ? 'from measurements of this machine' : 'typical two-core machine'})`,
    ],
    ...regionFacts(explanation),
    ...measuredFacts(explanation),
    [
      'bundle',
      `${formatBytes(size.bundle)}: constants ${formatBytes(size.constants)}, evaluation keys ${formatBytes(size.evaluationKeys)}, program ${formatBytes(size.program)}`,
    ],
    ['answer', formatBytes(size.answer)],
    ['together', togetherFact(explanation)],
    ['memory', `${formatBytes(size.memory)} on the gateway (estimate)`],
    ['precision', `${explanation.precisionBits.toFixed(1)} bits of the largest logit (estimate)`],
  ];
  const width = Math.max(...facts.map(([name]) => name.length));
  return [
    explanation.name,
    '',
    ...table(rows),
    '',
    ...facts.map(([name, value]) => `${name.padEnd(width)}  ${value}`),
    ...explanation.notes.map((note) => `\nNote: ${note}.`),
    '',
  ].join('\n');
}
