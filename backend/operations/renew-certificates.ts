import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { BackendConfig } from '#config/schema.ts';
import { readPublicFile, writeFileAtomic } from '#runtime/files.ts';
import {
  BROKER_CERTIFICATE_FILE,
  BROKER_KEY_FILE,
  brokerHosts,
  readBrokerCertificate,
} from '../enrolment/broker-certificate.ts';
import { noteOwnCertificates } from '../enrolment/note-certificates.ts';
import { openAuthority } from '../enrolment/open-authority.ts';
import { type SiteCertificate, siteCertificates } from '../enrolment/site-certificates.ts';
import type { Site } from '../site.ts';
import { addBrokerHosts } from './broker-hosts.ts';
import { CERTIFICATE_DAYS } from './initialize-site.ts';

/**
 * Makes new certificates for the keys of the site's own daemons, from the same authority, so that gateways need no change.
 *
 * @param newKeys with new keys, too, for keys that somebody may have copied. A run that was cut short leaves files that do not match, and is to be repeated
 * @returns those that there are now
 * @throws BlindsightError FILE_UNREADABLE, CERTIFICATE_INVALID where one is from another authority, and what opening the authority throws
 */
export async function renewCertificates(
  site: Site,
  config: BackendConfig,
  newKeys = false,
): Promise<SiteCertificate[]> {
  // Those of before can be revoked as well.
  await noteOwnCertificates(site, config);
  await (newKeys ? replaceKeys(site, config) : renewBackend(site, config));
  const before = await siteCertificates(site, config);
  if (!newKeys && before.some(({ owner }) => owner === 'broker')) await addBrokerHosts(site, []);
  await noteOwnCertificates(site, config);
  return (await siteCertificates(site, config)).filter(({ owner }) => owner !== 'gateway');
}

async function renewBackend(
  { store, vault }: Site,
  { broker: { certificate } }: BackendConfig,
): Promise<void> {
  const authority = await openAuthority(store, vault);
  const renewed = await authority.renew({
    kind: 'backend',
    commonName: 'backend',
    certificate: (await readPublicFile(certificate)).toString(),
    days: CERTIFICATE_DAYS,
  });
  await writeFileAtomic(certificate, renewed);
}

async function replaceKeys(
  { store, vault, brokerDirectory }: Site,
  { broker }: BackendConfig,
): Promise<void> {
  const authority = await openAuthority(store, vault);
  const replace = async (kind: 'backend' | 'broker', key: string, certificate: string, hosts: string[]) => {
    const issued = await authority.issue({
      kind,
      commonName: kind,
      days: CERTIFICATE_DAYS,
      ...(kind === 'broker' && { subjectAltNames: hosts }),
    });
    await writeFileAtomic(key, issued.key, { mode: 0o600 });
    await writeFileAtomic(certificate, issued.certificate);
  };
  await replace('backend', broker.key, broker.certificate, []);
  const [key, certificate] = [
    join(brokerDirectory, BROKER_KEY_FILE),
    join(brokerDirectory, BROKER_CERTIFICATE_FILE),
  ];
  // Where it is another user's, only he can replace it.
  if (!existsSync(key)) return;
  await replace('broker', key, certificate, brokerHosts(await readBrokerCertificate(brokerDirectory)));
}
