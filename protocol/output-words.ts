import type { Result } from './messages.ts';
import type { OutputPolicy } from './output-policy.ts';

/** What a network's answers tell, for a person: `probabilities in steps of 5 %`, or of a map `counts, and where, to a cell of the map`. */
export function outputWords(policy: OutputPolicy, task?: Result['task']): string {
  if (task === 'count') return 'counts';
  if (task === 'map')
    return policy.output === 'rounded' ? 'counts, and where, to a cell of the map' : 'counts only';
  switch (policy.output) {
    case 'rounded':
      return `probabilities in steps of ${Math.round(policy.step * 100)} %`;
    case 'label':
      return 'labels only';
    case 'event':
      return `changes of the label only (${policy.equal} of ${2 * policy.equal - 1} equal)`;
  }
}
