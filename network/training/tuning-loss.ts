import { type Distillation, distill } from './distillation.ts';

const LOGIT_SIZE = 4;

/**
 * What logits are divided by before the softmax, so that their root mean square is {@link LOGIT_SIZE}: networks with logits in the
 * thousands would otherwise learn only from the few pictures that they get wrong.
 */
export function temperatureOf(logits: Float32Array): number {
  let squares = 0;
  for (const logit of logits) squares += logit * logit;
  return Math.sqrt(squares / logits.length) / LOGIT_SIZE || 1;
}

/** What the given network answers to the same pictures, and how much that counts. */
export type Lesson = { readonly answers: Float32Array; readonly distillation: Distillation };

/**
 * Mean cross entropy of softmax(logits / temperature), mixed with the divergence from what is taught, if anything is; its gradient goes to
 * `gradient`.
 */
export function crossEntropy(
  logits: Float32Array,
  labels: Uint8Array,
  temperature: number,
  gradient: Float32Array,
  lesson?: Lesson,
): number {
  const classes = logits.length / labels.length;
  let loss = 0;
  labels.forEach((label, n) => {
    const row = logits.subarray(n * classes, (n + 1) * classes).map((logit) => logit / temperature);
    const largest = Math.max(...row);
    let sum = 0;
    for (const logit of row) sum += Math.exp(logit - largest);
    const own = gradient.subarray(n * classes, (n + 1) * classes);
    for (let k = 0; k < classes; k++) own[k] = Math.exp(row[k]! - largest) / sum - (k === label ? 1 : 0);
    let one = Math.log(sum) + largest - row[label]!;
    if (lesson !== undefined) {
      const taught = lesson.answers
        .subarray(n * classes, (n + 1) * classes)
        .map((logit) => logit / temperature);
      one = distill(row, taught, lesson.distillation, one, own);
    }
    loss += one / labels.length;
    for (let k = 0; k < classes; k++) own[k]! /= labels.length * temperature;
  });
  return loss;
}
