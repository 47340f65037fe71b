import { NetworkError } from '#network/errors.ts';
import type { BoxOptions } from './box.ts';

/** The label of boxes whose file names none. @throws NetworkError NETWORK_BOXES unless one label is wanted. */
export function defaultLabel(where: string, { labels }: BoxOptions): string {
  if (labels?.length === 1) return labels[0]!;
  const wanted = labels === undefined ? 'what they are' : `which of ${labels.join(', ')} they are`;
  throw new NetworkError(
    'NETWORK_BOXES',
    `${where}: its boxes do not say ${wanted}; add a column "label", or name one label for all of them`,
  );
}
