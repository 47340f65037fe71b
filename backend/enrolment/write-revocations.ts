import { join } from 'node:path';
import { ensureDirectory, writeFileAtomic } from '#runtime/files.ts';
import type { Site } from '../site.ts';
import { openAuthority } from './open-authority.ts';

/**
 * In the folder that a site keeps for its broker: what the embedded broker refuses, one per line: the name of a gateway, with whatever certificate, or `serial:` and the
 * serial number of one certificate, which no name can begin with. `revoked` in broker.yaml points to it.
 */
export const REVOKED_FILE = 'revoked-gateways';
/** In the same folder: the same as a certificate revocation list. `crlfile` in deploy/mosquitto/mosquitto.conf points to it. */
export const REVOCATION_LIST_FILE = join('certificates', 'revoked.crl');

/**
 * Tells brokers which gateways were removed and which certificates were revoked, in both forms. Public: they contain only names and serial
 * numbers.
 *
 * @throws BlindsightError SITE_MISSING, SECRET_MISSING, SECRET_TAMPERED where the authority cannot sign; the first form is written even so.
 */
export async function writeRevocations(
  { store, vault, brokerDirectory }: Pick<Site, 'store' | 'vault' | 'brokerDirectory'>,
  nowMs: number,
): Promise<void> {
  const removed = await store.gateways.removed();
  const revoked = await store.certificates.revoked();
  const lines = [...removed.map(({ name }) => name), ...revoked.map(({ serial }) => `serial:${serial}`)];
  const text = lines.map((line) => `${line}\n`).join('');
  await writeFileAtomic(join(brokerDirectory, REVOKED_FILE), text, { mode: 0o644 });
  const authority = await openAuthority(store, vault);
  const list = await authority.revocationList(
    revoked.map(({ serial, revokedMs }) => ({ serialNumber: serial, revokedMs })),
    nowMs,
  );
  await ensureDirectory(join(brokerDirectory, 'certificates'));
  await writeFileAtomic(join(brokerDirectory, REVOCATION_LIST_FILE), list, { mode: 0o644 });
}
