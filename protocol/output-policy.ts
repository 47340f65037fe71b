import { z } from 'zod';

/** Steps that divide one into equal parts with two decimals at most. */
export const OUTPUT_STEPS = [0.01, 0.02, 0.04, 0.05, 0.1, 0.2, 0.25, 0.5] as const;
/** Equal labels among the latest `2 · equal − 1` that make a change of the label an event. */
export const EQUAL_LABELS = { least: 2, most: 20, byDefault: 3 } as const;

/**
 * How much of an answer its owner lets out of the thread that decrypts. `rounded`: probabilities in multiples of `step`, which need not sum to 1.
 * `label`: the most probable label alone. `event`: that label, and only when it has changed and the change has lasted.
 */
export const OutputPolicy = z.discriminatedUnion('output', [
  z.strictObject({ output: z.literal('rounded'), step: z.literal(OUTPUT_STEPS) }),
  z.strictObject({ output: z.literal('label') }),
  z.strictObject({
    output: z.literal('event'),
    /** Equal labels of a camera or region among its latest `2 · equal − 1` that make a change. */
    equal: z.number().int().min(EQUAL_LABELS.least).max(EQUAL_LABELS.most),
  }),
]);
export type OutputPolicy = z.infer<typeof OutputPolicy>;

/** Of networks whose owner has not said otherwise. */
export const DEFAULT_OUTPUT: OutputPolicy = { output: 'rounded', step: 0.05 };
