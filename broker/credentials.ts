import type { BrokerConfig } from '#config/schema.ts';
import { BlindsightError } from '#protocol/errors.ts';
import { findInvalidity, findMisfit, parseCertificates } from '#runtime/certificate-check.ts';
import { readPublicFile, readSecretFile } from '#runtime/files.ts';

/** PEM files of the broker. */
export type Credentials = { readonly ca: Buffer; readonly cert: Buffer; readonly key: Buffer };

type Files = Pick<BrokerConfig, 'ca' | 'certificate' | 'key'>;

/** @throws BlindsightError FILE_UNREADABLE, SECRET_EXPOSED, or BROKER_CERTIFICATE if the files do not match */
export async function readCredentials(files: Files): Promise<Credentials> {
  const [ca, cert, key] = await Promise.all([
    readPublicFile(files.ca),
    readPublicFile(files.certificate),
    readSecretFile(files.key),
  ]);
  const misfit = findMisfit({ ca, certificate: cert, key }, files);
  if (misfit !== null) throw new BlindsightError('BROKER_CERTIFICATE', misfit);
  return { ca, cert, key };
}

/**
 * Whether the certificate has changed since it was read: `blindsight site broker-host` renews it while the broker runs.
 *
 * @returns null if it has not changed
 * @throws what {@link readCredentials} throws
 */
export async function readRenewed(files: Files, before: Credentials): Promise<Credentials | null> {
  const now = await readCredentials(files);
  const isSame = now.cert.equals(before.cert) && now.key.equals(before.key) && now.ca.equals(before.ca);
  return isSame ? null : now;
}

/** Why clients will not accept this broker now, or null. */
export function findOutdated({ cert }: Credentials, file: string, nowMs: number): string | null {
  const why = findInvalidity(parseCertificates(cert)[0]!, nowMs);
  return why && `no client can connect: ${file} ${why}`;
}
