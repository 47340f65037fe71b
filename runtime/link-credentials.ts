import { readPublicFile, readSecretFile } from './files.ts';

/**
 * Reads the PEM files that a configuration names for the link.
 * @throws BlindsightError FILE_UNREADABLE or, for the key, SECRET_EXPOSED.
 */
export async function readLinkCredentials(paths: {
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
}): Promise<{ ca: Buffer; certificate: Buffer; key: Buffer }> {
  const [ca, certificate, key] = await Promise.all([
    readPublicFile(paths.ca),
    readPublicFile(paths.certificate),
    readSecretFile(paths.key),
  ]);
  return { ca, certificate, key };
}
