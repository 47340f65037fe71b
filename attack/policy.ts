/** How much of answers the owner lets out. */
export type Policy =
  | { readonly output: 'rounded'; readonly step: number }
  | { readonly output: 'label' }
  | { readonly output: 'event' };

/** For a person. */
export function policyWords(policy: Policy): string {
  return policy.output === 'rounded' ? `steps of ${Math.round(policy.step * 100)} %` : policy.output;
}
