import type { Policy } from './policy.ts';
import type { Fineness } from './shaping/told.ts';

/** How fine the answers are that are told under a policy. Events are labels that are seldom told. */
export function finenessOf(policy: Policy): Fineness {
  return policy.output === 'rounded' ? { step: policy.step } : 'label';
}
