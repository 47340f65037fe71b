import { existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parseDocument } from 'yaml';
import { writeFileAtomic } from '#runtime/files.ts';
import { checkHosts } from '../enrolment/authority.ts';
import {
  BROKER_CERTIFICATE_FILE,
  brokerHosts,
  canonical,
  isLoopback,
  listenAddress,
  readBrokerCertificate,
} from '../enrolment/broker-certificate.ts';
import { openAuthority } from '../enrolment/open-authority.ts';
import type { Site } from '../site.ts';
import { CERTIFICATE_DAYS } from './initialize-site.ts';

export type AddedBrokerHosts = {
  /** All that the certificate covers now. */
  readonly hosts: readonly string[];
  /** What `host` of broker.yaml became, or null where it stays. */
  readonly listens: string | null;
};

/** Host names and addresses that the certificate of the site's broker covers. @throws BlindsightError FILE_UNREADABLE */
export async function listBrokerHosts({ brokerDirectory }: Pick<Site, 'brokerDirectory'>): Promise<string[]> {
  return brokerHosts(await readBrokerCertificate(brokerDirectory));
}

/**
 * Lets the broker be reached under more names and addresses: a certificate for the key pair that it has, from the same authority, so that
 * gateways need no change. A broker that listened on loopback only is set to listen on every interface.
 *
 * @throws BlindsightError CERTIFICATE_INVALID for what is no name, FILE_UNREADABLE, and what opening the authority throws
 */
export async function addBrokerHosts(site: Site, names: readonly string[]): Promise<AddedBrokerHosts> {
  checkHosts(names);
  const before = await readBrokerCertificate(site.brokerDirectory);
  const hosts = [...new Set([...brokerHosts(before), ...names.map(canonical)])];
  const authority = await openAuthority(site.store, site.vault);
  const renewed = await authority.renew({
    kind: 'broker',
    commonName: 'broker',
    certificate: before.toString(),
    subjectAltNames: hosts,
    days: CERTIFICATE_DAYS,
  });
  await writeFileAtomic(join(site.brokerDirectory, BROKER_CERTIFICATE_FILE), renewed);
  return { hosts, listens: await listenBeyondLoopback(join(site.brokerDirectory, 'broker.yaml'), hosts) };
}

/** Changes one word of the configuration, and nothing where somebody chose an address. */
async function listenBeyondLoopback(file: string, hosts: readonly string[]): Promise<string | null> {
  const address = listenAddress(hosts);
  if (!existsSync(file) || isLoopback(address)) return null;
  const document = parseDocument(await readFile(file, 'utf8'));
  const now = String(document.get('host') ?? '127.0.0.1');
  const isWider = isLoopback(now) || (now === '0.0.0.0' && address === '::');
  if (!isWider) return null;
  document.set('host', address);
  // Where the broker is another user, its group may read the file.
  await writeFileAtomic(file, document.toString(), { mode: (await stat(file)).mode & 0o777 });
  return address;
}
