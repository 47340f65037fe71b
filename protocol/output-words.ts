import type { OutputPolicy } from './output-policy.ts';

/** What a network's answers tell, for a person: `probabilities in steps of 5 %`. */
export function outputWords(policy: OutputPolicy): string {
  switch (policy.output) {
    case 'rounded':
      return `probabilities in steps of ${Math.round(policy.step * 100)} %`;
    case 'label':
      return 'labels only';
    case 'event':
      return `changes of the label only (${policy.equal} of ${2 * policy.equal - 1} equal)`;
  }
}
