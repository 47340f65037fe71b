import type { BackendConfig } from '#config/schema.ts';
import { readLinkCredentials } from '#runtime/link-credentials.ts';
import type { StreamSettings } from './stream-link.ts';

/** Where a site's envelopes wait, if not in its store; with the certificate of the backend as it is now. */
export async function readStreamSettings({
  queue,
  broker,
  site,
}: BackendConfig): Promise<StreamSettings | null> {
  if (queue.kind === 'inbox') return null;
  const { servers, replicas, maxMegabytes, maxPerGateway } = queue;
  const maxBytes = Math.round(maxMegabytes * 2 ** 20);
  return { site, servers, replicas, maxPerGateway, maxBytes, ...(await readLinkCredentials(broker)) };
}
