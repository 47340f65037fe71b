import { join } from 'node:path';
import { ensureDirectory, writeFileAtomic } from '#runtime/files.ts';
import type { Site } from '../site.ts';
import { openAuthority } from './open-authority.ts';

/** In the folder that a site keeps for its broker: names that the embedded broker refuses, one per line. `revoked` in broker.yaml points to it. */
export const REVOKED_FILE = 'revoked-gateways';
/** In the same folder: the same as a certificate revocation list. `crlfile` in deploy/mosquitto/mosquitto.conf points to it. */
export const REVOCATION_LIST_FILE = join('certificates', 'revoked.crl');

/**
 * Tells brokers which gateways were removed, in both forms. Public: they contain only names and serial numbers.
 *
 * @throws BlindsightError SITE_MISSING, SECRET_MISSING, SECRET_TAMPERED where the authority cannot sign; the names are written even so.
 */
export async function writeRevocations(
  { store, vault, brokerDirectory }: Pick<Site, 'store' | 'vault' | 'brokerDirectory'>,
  nowMs: number,
): Promise<void> {
  const removed = await store.gateways.removed();
  const names = removed.map(({ name }) => `${name}\n`).join('');
  await writeFileAtomic(join(brokerDirectory, REVOKED_FILE), names, { mode: 0o644 });
  const authority = await openAuthority(store, vault);
  const list = await authority.revocationList(
    removed.map(({ certificateSerial, removedMs }) => ({
      serialNumber: certificateSerial,
      revokedMs: removedMs,
    })),
    nowMs,
  );
  await ensureDirectory(join(brokerDirectory, 'certificates'));
  await writeFileAtomic(join(brokerDirectory, REVOCATION_LIST_FILE), list, { mode: 0o644 });
}
