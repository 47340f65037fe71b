import { diff } from 'node:util';

const CONTEXT = 3;

/**
 * How a text became another, in the lines of `diff -u`: unchanged ones begin with a blank, others with `-` or `+`; of longer unchanged stretches
 * the middle is left out for a line `@@`.
 *
 * @returns no lines where they are the same
 */
export function diffTexts(before: string, after: string): string[] {
  const lines = (text: string) => (text === '' ? [] : text.replace(/\n$/, '').split('\n'));
  const entries = inOrder(diff(lines(after), lines(before)));
  const isNear = (index: number) =>
    entries.slice(Math.max(0, index - CONTEXT), index + CONTEXT + 1).some(([change]) => change !== 0);
  const shown: string[] = [];
  for (const [index, [change, line]] of entries.entries()) {
    if (isNear(index)) shown.push(`${change === 0 ? ' ' : change > 0 ? '+' : '-'}${line}`);
    else if (index > 0 && isNear(index - 1)) shown.push('@@');
  }
  return shown.at(-1) === '@@' ? shown.slice(0, -1) : shown;
}

/** What goes before what comes, in each stretch of changes. */
function inOrder<T extends readonly [number, string]>(entries: readonly T[]): T[] {
  const ordered: T[] = [];
  for (let at = 0; at < entries.length; ) {
    const end = entries.findIndex(([change], index) => index >= at && change === 0);
    const stretch = entries.slice(at, end === -1 ? entries.length : Math.max(end, at + 1));
    const [gone, come] = [
      stretch.filter(([change]) => change < 0),
      stretch.filter(([change]) => change >= 0),
    ];
    ordered.push(...gone, ...come);
    at += stretch.length;
  }
  return ordered;
}
