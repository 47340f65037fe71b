import { X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import type { BackendConfig } from '#config/schema.ts';
import { parseCertificates } from '#runtime/certificate-check.ts';
import { readPublicFile } from '#runtime/files.ts';
import type { Site } from '../site.ts';
import type { RecordedKind } from '../store/certificates.ts';
import { BACKDATED_MS } from './authority.ts';
import { BROKER_CERTIFICATE_FILE } from './broker-certificate.ts';

/** Records a certificate that was just issued. @param certificate PEM */
export async function noteCertificate(
  { store }: Pick<Site, 'store'>,
  kind: RecordedKind,
  name: string,
  certificate: string,
): Promise<void> {
  const issued = new X509Certificate(certificate);
  await store.certificates.add({
    serial: issued.serialNumber,
    kind,
    name,
    issuedMs: issued.validFromDate.getTime() + BACKDATED_MS,
    endsMs: issued.validToDate.getTime(),
  });
}

/** Certificates that the site's own daemons show now, as far as their files can be read; those that nobody has recorded yet are. */
export async function noteOwnCertificates(
  site: Pick<Site, 'store' | 'brokerDirectory'>,
  { broker }: Pick<BackendConfig, 'broker'>,
): Promise<{ readonly backend: string | null; readonly broker: string | null }> {
  const note = async (kind: 'backend' | 'broker', file: string): Promise<string | null> => {
    const pem = await readPublicFile(file).catch(() => null);
    const [own] = pem === null ? [] : parseCertificates(pem);
    if (own === undefined) return null;
    await noteCertificate(site, kind, kind, own.toString());
    return own.serialNumber.toUpperCase();
  };
  return {
    backend: await note('backend', broker.certificate),
    broker: await note('broker', join(site.brokerDirectory, BROKER_CERTIFICATE_FILE)),
  };
}
