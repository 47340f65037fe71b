import type { Interpretation } from '#fhe';
import { BlindsightError } from '#protocol/errors.ts';
import type { OutputPolicy } from '#protocol/output-policy.ts';

/**
 * Refuses an output policy that means nothing for a network: changes of a number are no events.
 *
 * @throws BlindsightError OUTPUT_TASK
 */
export function checkOutput({ output }: OutputPolicy, { task }: Pick<Interpretation, 'task'>): void {
  if (output !== 'event' || (task !== 'count' && task !== 'map')) return;
  throw new BlindsightError(
    'OUTPUT_TASK',
    `a network with the task ${task} answers with numbers, and \`event\` is for labels; take \`label\` for counts alone, or \`rounded\``,
  );
}
