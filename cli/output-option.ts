import { InvalidArgumentError } from 'commander';
import { EQUAL_LABELS, OUTPUT_STEPS, type OutputPolicy } from '#protocol/output-policy.ts';

/** What the options below say. */
export type OutputOptions = {
  readonly step?: (typeof OUTPUT_STEPS)[number];
  readonly equal?: number;
};

/** An option's value as the step of probabilities, for commander. */
export function outputStep(text: string): (typeof OUTPUT_STEPS)[number] {
  const step = OUTPUT_STEPS.find((known) => known === Number(text));
  if (step === undefined) throw new InvalidArgumentError(`Expected one of ${OUTPUT_STEPS.join(', ')}.`);
  return step;
}

/** How much of a network's answers leaves the decryptor, as words of the command line say it. */
export function outputPolicy(
  output: OutputPolicy['output'],
  { step = 0.05, equal = EQUAL_LABELS.byDefault }: OutputOptions,
): OutputPolicy {
  if (output === 'rounded') return { output, step };
  return output === 'label' ? { output } : { output, equal };
}
