import { NetworkError } from '#network/errors.ts';
import type { ExplainedLayer } from './explanation.ts';

/**
 * The number of a linear layer by what a person says: its number, or `slowest`.
 *
 * @throws NetworkError NETWORK_LAYER listing the layers, if there is none.
 */
export function findLayer(layers: readonly ExplainedLayer[], named: string): number {
  const linear = layers.filter(({ kind }) => kind === 'linear');
  if (named === 'slowest') return linear.reduce((a, b) => (b.estimatedMs > a.estimatedMs ? b : a)).number;
  const found = linear.find(({ number }) => String(number) === named);
  if (found !== undefined) return found.number;
  const list = linear.map(({ number, inputs, outputs }) => `${number} (${inputs} → ${outputs} values)`);
  throw new NetworkError(
    'NETWORK_LAYER',
    `no layer '${named.slice(0, 40)}': say 'slowest' or a number of ${list.join(', ')}`,
  );
}
