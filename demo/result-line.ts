import { answerWords } from '#protocol/answer-words.ts';
import type { Result } from '#protocol/messages.ts';

const two = (value: number) => String(value).padStart(2, '0');

/** Local time of day, "14:03:27". */
function timeOfDay(iso: string): string {
  const time = new Date(iso);
  return `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
}

/** One calm line about a decrypted answer. */
export function resultLine(result: Result): string {
  const { latencyMs: ms } = result;
  const percent =
    result.probability === undefined ? '' : ` ${`${Math.round(result.probability * 100)} %`.padStart(5)}`;
  const parts = (['prepare', 'encrypt', 'evaluate', 'transport', 'decrypt'] as const)
    .map((name) => `${name} ${Math.round(ms[name])}`)
    .join(', ');
  const late = result.historical ? ', sent later' : '';
  const since = result.output === 'event' ? 'from now on ' : '';
  const where = result.region === undefined ? result.camera : `${result.camera}/${result.region}`;
  return `${timeOfDay(result.frameTime)}  ${where}  ${since}${answerWords(result).padEnd(10)}${percent}   ${Math.round(ms.total)} ms (${parts})${late}`;
}
