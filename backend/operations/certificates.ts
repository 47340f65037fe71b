import type { BackendConfig } from '#config/schema.ts';
import type { CertificateView } from '#protocol/api.ts';
import { BlindsightError } from '#protocol/errors.ts';
import { type Clock, systemClock } from '#runtime/clock.ts';
import { noteOwnCertificates } from '../enrolment/note-certificates.ts';
import { writeRevocations } from '../enrolment/write-revocations.ts';
import type { Site } from '../site.ts';
import type { CertificateRecord } from '../store/certificates.ts';

type Options = {
  readonly site: Pick<Site, 'store' | 'vault' | 'brokerDirectory'>;
  readonly config: Pick<BackendConfig, 'broker'>;
  readonly clock?: Clock;
};

/** Every certificate that the site has issued, by kind, name and age. */
export async function listCertificates({
  site,
  config,
  clock = systemClock,
}: Options): Promise<CertificateView[]> {
  const inUse = await serialsInUse(site, config);
  return (await site.store.certificates.list()).map((record) => viewOf(record, inUse, clock.now()));
}

/**
 * Revokes one certificate: the embedded broker disconnects and refuses whoever shows it within seconds, Mosquitto once it has the new list. Repeating it
 * writes the lists again.
 *
 * @param options.force also where it is what the site's own broker or backend shows now
 * @returns what was revoked
 * @throws BlindsightError CERTIFICATE_NOT_FOUND, CERTIFICATE_IN_USE
 */
export async function revokeCertificate(
  options: Options & { readonly serial: string; readonly force: boolean },
): Promise<CertificateView> {
  const { site, config, force, clock = systemClock } = options;
  const serial = options.serial.replaceAll(':', '').toUpperCase();
  const inUse = await serialsInUse(site, config);
  const before = await site.store.certificates.get(serial);
  if (before === null) {
    throw new BlindsightError(
      'CERTIFICATE_NOT_FOUND',
      `this site has issued no certificate ${serial.slice(0, 64)}`,
    );
  }
  const { kind, name } = before;
  const isOwn = (kind === 'backend' || kind === 'broker') && inUse.has(serial);
  if (isOwn && before.revokedMs === null && !force) {
    throw new BlindsightError(
      'CERTIFICATE_IN_USE',
      `the ${kind} of this site shows the certificate ${serial} now`,
    );
  }
  const nowMs = clock.now();
  await site.store.transaction(async (store) => {
    if (!(await store.certificates.revoke(serial, nowMs))) return;
    await store.journal.add({
      timeMs: nowMs,
      level: 'warn',
      code: 'CERTIFICATE_REVOKED',
      subject: name,
      message: `certificate ${serial} of ${kind === name ? `the ${kind}` : `${kind} ${name}`} was revoked`,
    });
  });
  await writeRevocations(site, nowMs);
  return viewOf((await site.store.certificates.get(serial))!, inUse, nowMs);
}

/** Serial numbers that gateways and the site's own daemons show now. */
async function serialsInUse(site: Options['site'], config: Options['config']): Promise<ReadonlySet<string>> {
  const { backend, broker } = await noteOwnCertificates(site, config);
  const gateways = await site.store.gateways.list();
  const serials = gateways.map(({ certificateSerial }) => certificateSerial.toUpperCase());
  return new Set([...serials, ...[backend, broker].filter((serial) => serial !== null)]);
}

function viewOf(
  { serial, kind, name, issuedMs, endsMs, revokedMs }: CertificateRecord,
  inUse: ReadonlySet<string>,
  nowMs: number,
): CertificateView {
  return {
    serial,
    kind,
    name,
    issued: new Date(issuedMs).toISOString(),
    ends: new Date(endsMs).toISOString(),
    revoked: revokedMs === null ? null : new Date(revokedMs).toISOString(),
    state: revokedMs !== null ? 'revoked' : endsMs <= nowMs ? 'expired' : 'valid',
    // A viewer says nothing of itself.
    inUse: kind === 'viewer' || kind === 'cockpit' ? null : inUse.has(serial),
  };
}
