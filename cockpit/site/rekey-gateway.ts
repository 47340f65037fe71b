import type { RekeyView } from '#protocol/api.ts';
import { type Answered, request } from './request.ts';

/** A large network on a small backend. */
const PATIENCE_MS = 15 * 60_000;

/** Has a gateway's network protected under new keys, and waits until they are released. */
export function rekeyGateway(gateway: string, reason: string): Promise<Answered<RekeyView>> {
  const body = reason === '' ? {} : { reason };
  return request('POST', `api/gateways/${encodeURIComponent(gateway)}/rekey`, body, PATIENCE_MS);
}
