import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { isTpmKey } from './tpm/device-key.ts';

/** Paths of TLS files, by the names of their settings. */
export type TlsFiles = { readonly ca: string; readonly certificate: string; readonly key: string };
/** Their contents, PEM. */
export type TlsTexts = { readonly [file in keyof TlsFiles]: string | Buffer };

/** Extended key usage of a client, RFC 5280. */
const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';
const PEM = /-----BEGIN ([A-Z0-9 ]+)-----[\s\S]+?-----END \1-----/g;

/** The certificates of a PEM file, in order; empty if there is none or one is damaged. */
export function parseCertificates(pem: string | Buffer): X509Certificate[] {
  const blocks = [...String(pem).matchAll(PEM)].filter(([, label]) => label?.endsWith('CERTIFICATE'));
  try {
    return blocks.map(([block]) => new X509Certificate(block));
  } catch {
    return [];
  }
}

/** The common name of a subject or an issuer, as node:crypto gives them; the full name if it has none. */
export function commonName(distinguishedName: string): string {
  return /^CN=(.*)$/m.exec(distinguishedName)?.[1] ?? distinguishedName.replaceAll('\n', ', ');
}

/** The organizational unit of a subject as node:crypto gives it, or null. */
export function organizationalUnit(distinguishedName: string): string | null {
  return /^OU=(.*)$/m.exec(distinguishedName)?.[1] ?? null;
}

/**
 * Whether certificate, key and authority match. Dates are not checked: a gateway without a clock battery may start in 1970.
 *
 * @param prefix how the settings are named before `ca`, `certificate` and `key`: `broker.`
 * @returns what does not match, with the file and its setting, or null
 */
export function findMisfit(texts: TlsTexts, files: TlsFiles, prefix = ''): string | null {
  const named = (file: keyof TlsFiles) => `${files[file]} (${prefix}${file})`;
  const [authorities, chain] = [parseCertificates(texts.ca), parseCertificates(texts.certificate)];
  if (authorities.length === 0) return `${named('ca')} ${whatInstead(texts.ca, 'certificate')}`;
  const [own, ...further] = chain;
  if (own === undefined) return `${named('certificate')} ${whatInstead(texts.certificate, 'certificate')}`;
  let key: KeyObject | null;
  try {
    // A key in a TPM: only that can tell, and it may be absent for now.
    key = isTpmKey(texts.key) ? null : createPrivateKey(texts.key);
  } catch {
    return `${named('key')} ${whatInstead(texts.key, 'private key')}`;
  }
  if (key !== null && !own.checkPrivateKey(key)) {
    return `${named('key')} is not the key of ${named('certificate')}: the two are not from the same package`;
  }
  if ([...authorities, ...further].some((issuer) => own.checkIssued(issuer) && own.verify(issuer.publicKey)))
    return null;
  const issuers = authorities.map(({ subject }) => `"${commonName(subject)}"`).join(', ');
  return (
    `${named('certificate')} was issued by "${commonName(own.issuer)}", and not by the authority in ${named('ca')}, ` +
    `${issuers}${issuers === `"${commonName(own.issuer)}"` ? ' too, but another one of this name' : ''}`
  );
}

/** Says what kind of thing a file contains instead of the right one, without revealing its content. */
function whatInstead(text: string | Buffer, wanted: 'certificate' | 'private key'): string {
  const label = [...String(text).matchAll(PEM)][0]?.[1];
  if (text.length === 0) return `is empty; expected a ${wanted} in PEM form`;
  if (label === undefined) return `is not a ${wanted} in PEM form`;
  if (label === 'ENCRYPTED PRIVATE KEY' || /^Proc-Type:.*ENCRYPTED/m.test(String(text)))
    return 'is a private key with a passphrase, which a daemon cannot enter';
  const isWanted = wanted === 'certificate' ? label.endsWith('CERTIFICATE') : label.endsWith('PRIVATE KEY');
  return isWanted ? `is a damaged ${wanted}` : `holds a ${label.toLowerCase()}, expected a ${wanted}`;
}

/** Why a certificate is not valid at a given time, or cannot be used by a client; null if it is fine. */
export function findInvalidity(certificate: X509Certificate, nowMs: number): string | null {
  const clock = `the clock of this machine says ${shownTime(nowMs)}`;
  const [from, to] = [certificate.validFromDate.getTime(), certificate.validToDate.getTime()];
  if (nowMs > to) return `expired on ${shownTime(to)} (${clock})`;
  if (nowMs < from) return `is not valid before ${shownTime(from)}, and ${clock}: set the clock`;
  return null;
}

/** Whether a client may use it. */
export function isForClients(certificate: X509Certificate): boolean {
  return certificate.keyUsage?.includes(CLIENT_AUTH) ?? true;
}

/** To the minute, in UTC. */
export function shownTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}
