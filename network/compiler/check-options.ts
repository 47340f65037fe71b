import { NetworkError } from '#network/errors.ts';
import type { CompileOptions } from './compiled-network.ts';
import { registerSizes, type StepNetwork, scaledRegisters } from './lowering/steps.ts';

/** Checks the owner's options against the network. @throws NetworkError NETWORK_DATA. */
export function checkOptions(
  network: StepNetwork,
  { labels, logitRange, activationRanges: ranges }: CompileOptions,
): void {
  const classes = registerSizes(network).at(-1)!;
  if (labels.length !== classes)
    throw new NetworkError('NETWORK_DATA', `${labels.length} labels for ${classes} outputs`);
  if (!(logitRange > 0) || !Number.isFinite(logitRange))
    throw new NetworkError('NETWORK_DATA', `logit range ${logitRange}: expected a positive number`);
  const count = scaledRegisters(network).length;
  if (ranges.length !== count || ranges.some((range) => !(range > 0) || !Number.isFinite(range))) {
    throw new NetworkError(
      'NETWORK_DATA',
      `ranges [${ranges.join(', ')}]: expected ${count} positive numbers`,
    );
  }
}
