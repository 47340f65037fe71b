import type { BackendConfig } from '#config/schema.ts';
import { readPublicFile, writeFileAtomic } from '#runtime/files.ts';
import { openAuthority } from '../enrolment/open-authority.ts';
import { type SiteCertificate, siteCertificates } from '../enrolment/site-certificates.ts';
import type { Site } from '../site.ts';
import { addBrokerHosts } from './broker-hosts.ts';
import { CERTIFICATE_DAYS } from './initialize-site.ts';

/**
 * Makes new certificates for the keys of the site's own daemons, from the same authority, so that gateways need no change.
 *
 * @returns those that there are now
 * @throws BlindsightError FILE_UNREADABLE, CERTIFICATE_INVALID where one is from another authority, and what opening the authority throws
 */
export async function renewCertificates(site: Site, config: BackendConfig): Promise<SiteCertificate[]> {
  const { certificate } = config.broker;
  const authority = await openAuthority(site.store, site.vault);
  const renewed = await authority.renew({
    kind: 'backend',
    commonName: 'backend',
    certificate: (await readPublicFile(certificate)).toString(),
    days: CERTIFICATE_DAYS,
  });
  await writeFileAtomic(certificate, renewed);
  const before = await siteCertificates(site, config);
  if (before.some(({ owner }) => owner === 'broker')) await addBrokerHosts(site, []);
  return (await siteCertificates(site, config)).filter(({ owner }) => owner !== 'gateway');
}
