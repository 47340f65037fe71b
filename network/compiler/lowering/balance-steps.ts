import { scaleAffine } from '../linear/affine.ts';
import type { Step, StepNetwork } from './steps.ts';

/**
 * Moves factors between steps so that the linear ones (see {@link scaledRegisters}) peak at `peak`: noise is then small relative to the
 * values. Exact, and invisible in the program, because all weights are encrypted.
 *
 * @param ranges positive, one for each of {@link scaledRegisters}.
 * @param unit unit of the logits.
 */
export function balanceSteps(
  network: StepNetwork,
  ranges: readonly number[],
  peak: number,
  unit = 1,
): StepNetwork {
  const factors = [1];
  let next = 0;
  network.steps.forEach((step, i) => {
    if (step.kind === 'product') factors.push(factors[step.left]! * factors[step.right]!);
    else if (step.kind === 'pool') factors.push(factors[step.source]!);
    else factors.push(i === network.steps.length - 1 ? 1 / unit : peak / ranges[next++]!);
  });
  const steps = network.steps.map((step, i): Step => {
    if (step.kind !== 'linear') return step;
    const factor = factors[i + 1]!;
    return {
      ...step,
      terms: step.terms.map(({ source, affine }) => ({
        source,
        affine: scaleAffine(affine, factor, 1 / factors[source]!),
      })),
      bias: step.bias.map((value) => value * factor),
    };
  });
  return { ...network, steps };
}
