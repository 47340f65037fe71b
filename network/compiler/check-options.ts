import { outputsOf } from '#fhe';
import { NetworkError } from '#network/errors.ts';
import type { CompileOptions } from './compiled-network.ts';
import { registerSizes, type StepNetwork, scaledRegisters } from './lowering/steps.ts';

/** Checks the owner's options against the network. @throws NetworkError NETWORK_DATA. */
export function checkOptions(network: StepNetwork, options: CompileOptions): void {
  const { labels, logitRange, activationRanges: ranges, map, task = 'classification' } = options;
  const outputs = registerSizes(network).at(-1)!;
  if (outputsOf(options) !== outputs) {
    const cells = map === undefined ? '' : ` × ${map.height} × ${map.width} cells`;
    throw new NetworkError('NETWORK_DATA', `${labels.length} labels${cells} for ${outputs} outputs`);
  }
  if (task === 'classification' && outputs < 2)
    throw new NetworkError(
      'NETWORK_SHAPE',
      'a classification needs at least two outputs, one for each label',
    );
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
