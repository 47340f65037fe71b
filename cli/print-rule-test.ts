import type { RuleTest } from '#protocol/rule.ts';
import { printJson, printTable } from './print.ts';

/** What a rule would have done, for a person or as JSON. */
export function printRuleTest(test: RuleTest, json = false): void {
  if (json) {
    printJson(test);
    return;
  }
  const { from, until, answers, count, mostInAnHour, raised, holdsNow, doubts } = test;
  if (answers === 0) process.stdout.write('no stored answer is about it; the past of states is not kept\n');
  else {
    const times = count === 1 ? 'once' : `${count} times`;
    const most = count < 2 ? '' : `, and at most ${mostInAnHour} times within an hour`;
    process.stdout.write(`${answers} answers from ${from} to ${until}\n`);
    process.stdout.write(
      count === 0 ? 'it would not have been raised\n' : `it would have been raised ${times}${most}\n`,
    );
  }
  if (raised.length > 0)
    printTable(
      ['RAISED', 'ENDED', 'WHERE'],
      raised.map(({ at, end, subject }) => [at, end ?? '-', subject]),
    );
  if (count > raised.length) process.stdout.write(`… and ${count - raised.length} more\n`);
  if (holdsNow.length > 0) process.stdout.write(`its condition holds now: ${holdsNow.join('; ')}\n`);
  for (const doubt of doubts) process.stdout.write(`doubtful: ${doubt}\n`);
}
