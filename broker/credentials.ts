import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { BrokerConfig } from '#config/schema.ts';
import { BlindsightError } from '#protocol/errors.ts';
import { readPublicFile, readSecretFile } from '#runtime/files.ts';

/** PEM files of the broker. */
export type Credentials = { readonly ca: Buffer; readonly cert: Buffer; readonly key: Buffer };

type Files = Pick<BrokerConfig, 'ca' | 'certificate' | 'key'>;

/** @throws BlindsightError FILE_UNREADABLE or SECRET_EXPOSED */
export async function readCredentials(files: Files): Promise<Credentials> {
  const [ca, cert, key] = await Promise.all([
    readPublicFile(files.ca),
    readPublicFile(files.certificate),
    readSecretFile(files.key),
  ]);
  return { ca, cert, key };
}

/**
 * What became of the certificate since it was read: `blindsight site broker-host` renews it while the broker runs.
 *
 * @returns null where it is as before
 * @throws BlindsightError FILE_UNREADABLE, SECRET_EXPOSED, or BROKER_CERTIFICATE while the files do not fit together
 */
export async function readRenewed(files: Files, before: Credentials): Promise<Credentials | null> {
  const now = await readCredentials(files);
  if (now.cert.equals(before.cert) && now.key.equals(before.key) && now.ca.equals(before.ca)) return null;
  let fits = false;
  try {
    fits = new X509Certificate(now.cert).checkPrivateKey(createPrivateKey(now.key));
  } catch {}
  if (fits) return now;
  throw new BlindsightError(
    'BROKER_CERTIFICATE',
    `${files.certificate} and ${files.key} were changed and do not fit together`,
  );
}
