import { X509Certificate } from 'node:crypto';
import { isIP, isIPv6 } from 'node:net';
import { join } from 'node:path';
import { BlindsightError } from '#protocol/errors.ts';
import { readPublicFile } from '#runtime/files.ts';

/** In the folder that a site keeps for its broker: the certificate of its broker. */
export const BROKER_CERTIFICATE_FILE = join('certificates', 'broker.pem');
/** Beside it, where the broker runs as the user of the site: its key. */
export const BROKER_KEY_FILE = join('certificates', 'broker.key');

const LOOPBACK = ['localhost', '127.0.0.1', '::1'];

/** @throws BlindsightError FILE_UNREADABLE */
export async function readBrokerCertificate(brokerDirectory: string): Promise<X509Certificate> {
  const file = join(brokerDirectory, BROKER_CERTIFICATE_FILE);
  const pem = await readPublicFile(file);
  try {
    return new X509Certificate(pem);
  } catch (cause) {
    throw new BlindsightError('FILE_UNREADABLE', `${file} is not a certificate in PEM form`, { cause });
  }
}

/** Host names and addresses in one of our certificates, in its order. */
export function brokerHosts({ subjectAltName = '' }: X509Certificate): string[] {
  return [...subjectAltName.matchAll(/(?:DNS|IP Address):([^,\s]+)/g)].map(([, host]) => canonical(host!));
}

/** One spelling for each host, so that an IPv6 address is recognized in any spelling. */
export function canonical(host: string): string {
  return isIPv6(host) ? new URL(`tcp://[${host}]`).hostname.slice(1, -1) : host.toLowerCase();
}

export function isLoopback(host: string): boolean {
  return LOOPBACK.includes(canonical(host));
}

/** Where a broker listens for clients that know it by these names: on this machine only, or on every interface. */
export function listenAddress(hosts: readonly string[]): string {
  const elsewhere = hosts.filter((host) => !isLoopback(host));
  if (elsewhere.length === 0) return '127.0.0.1';
  // Accepts IPv4, too; but a system without IPv6 has no such address.
  return elsewhere.some(isIPv6) ? '::' : '0.0.0.0';
}

/** mqtts://host:port; `host` without brackets. */
export function brokerUrl(host: string, port: number | string): string {
  return `mqtts://${isIPv6(host) ? `[${host}]` : host}:${port}`;
}

/**
 * Splits the address of a broker.
 *
 * @returns the host without brackets, and the port, 8883 by default
 * @throws BlindsightError BROKER_ADDRESS
 */
export function parseBrokerUrl(url: string): { readonly host: string; readonly port: number } {
  const parsed = URL.canParse(url) ? new URL(url) : null;
  const isPlain =
    parsed?.protocol === 'mqtts:' &&
    parsed.hostname !== '' &&
    /^mqtts:\/\/[^/?#@]+\/?$/.test(url) &&
    parsed.port !== '0';
  if (!isPlain) {
    throw new BlindsightError(
      'BROKER_ADDRESS',
      `"${url}" is not a broker address; expected mqtts://host:port`,
    );
  }
  return {
    host: canonical(parsed.hostname.replace(/^\[|\]$/g, '')),
    port: Number(parsed.port || 8883),
  };
}

/** Whether a TLS client that dials `host` would take this certificate for the broker's. */
export function covers(certificate: X509Certificate, host: string): boolean {
  return (isIP(host) === 0 ? certificate.checkHost(host) : certificate.checkIP(host)) !== undefined;
}
