import type { AttackRow } from './attack-row.ts';
import type { AttackReport } from './run-attacks.ts';
import { FALSE_ALARM } from './time-outcomes.ts';

/** The report as calm text: what was tried, without and with audits. */
export function formatReport({ rows, chosenAfter, timing, seconds }: AttackReport): string {
  const before = rows.filter(({ share }) => share === 0);
  const after = rows.filter(({ share }) => share > 0);
  const sentences = new Map(rows.map(({ attack, sentence }) => [attack, sentence]));
  const percent = (share: number) => `${Math.round(share * 100)} %`;
  return [
    'What a liar does who holds a gateway and reads what is published:',
    '',
    ...table([...sentences].map(([attack, sentence]) => [`  ${attack}`, sentence])),
    '',
    'Without audits (audit.share 0):',
    '',
    ...table([
      ['  attack', 'network', 'published', 'answers', 'what the liar has'],
      ...before.map((row) => [
        `  ${row.attack}`,
        row.network,
        row.policy,
        String(row.answersUsed),
        gained(row),
      ]),
    ]),
    '',
    `With audits of ${percent(chosenAfter[0]!.share)} of the answers, and the other defaults:`,
    '',
    ...table([
      ['  attack', 'network', 'shown when asked', 'caught after', 'what the liar has'],
      ...after.map((row) => [
        `  ${row.attack}`,
        row.network,
        row.excuse ?? '',
        row.caughtAfter === null ? 'refused instead' : `${row.caughtAfter} answers`,
        gained(row),
      ]),
    ]),
    '',
    ...chosenAfter.map(
      ({ runs, lying, mean, median, late }) =>
        `Where ${percent(lying)} of the answers are lies, the first that is chosen comes after ${mean.toFixed(0)} answers in the mean of ${runs} runs (median ${median}; 95 of 100 runs: ${late}).`,
    ),
    '',
    `Timing, over ${timing.blocks} seconds of challenges with answers of one kind each (rank tests, a false alarm in ${FALSE_ALARM * 10_000} of 10 000):`,
    '',
    ...timing.comparisons.map(
      ({ messages, between, probability }) =>
        `  ${messages} ${probability < FALSE_ALARM ? 'TELL' : 'do not tell'} ${between} apart (p = ${probability.toFixed(2)})`,
    ),
    '',
    `Took ${Math.round(seconds)} s. What no audit finds, and what these figures mean: docs/security.md.`,
  ].join('\n');
}

function gained({ recovered, of, noun, opens }: AttackRow): string {
  const more = opens === undefined ? '' : `; opens ${opens.recovered} of ${opens.of} ${opens.noun}`;
  return `${recovered} of ${of} ${noun}${more}`;
}

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('   ')
      .trimEnd(),
  );
}
