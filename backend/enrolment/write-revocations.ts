import { join } from 'node:path';
import { ensureDirectory, writeFileAtomic } from '#runtime/files.ts';
import type { Site } from '../site.ts';
import { openAuthority } from './open-authority.ts';

/** In the folder of a site: names that the embedded broker refuses, one a line. What `revoked` of broker.yaml names. */
export const REVOKED_FILE = 'revoked-gateways';
/** In the folder of a site: the same as certificate revocation list. What `crlfile` of deploy/mosquitto/mosquitto.conf names. */
export const REVOCATION_LIST_FILE = join('certificates', 'revoked.crl');

/**
 * Tells brokers which gateways were withdrawn, in both forms. Public: they say names and serial numbers only.
 *
 * @throws BlindsightError SITE_MISSING, SECRET_MISSING, SECRET_TAMPERED where the authority cannot sign; the names are written then.
 */
export async function writeRevocations(
  { store, vault, dataDirectory }: Pick<Site, 'store' | 'vault' | 'dataDirectory'>,
  nowMs: number,
): Promise<void> {
  const removed = await store.gateways.removed();
  const names = removed.map(({ name }) => `${name}\n`).join('');
  await writeFileAtomic(join(dataDirectory, REVOKED_FILE), names, { mode: 0o644 });
  const authority = await openAuthority(store, vault);
  const list = await authority.revocationList(
    removed.map(({ certificateSerial, removedMs }) => ({
      serialNumber: certificateSerial,
      revokedMs: removedMs,
    })),
    nowMs,
  );
  await ensureDirectory(join(dataDirectory, 'certificates'));
  await writeFileAtomic(join(dataDirectory, REVOCATION_LIST_FILE), list, { mode: 0o644 });
}
