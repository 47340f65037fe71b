import { BlindsightError } from '#protocol/errors.ts';
import {
  commonName,
  findMisfit,
  isForClients,
  parseCertificates,
  type TlsFiles,
} from './certificate-check.ts';
import { readPublicFile, readSecretFile } from './files.ts';

/** Whose certificate it must be. */
export type LinkOwner = {
  readonly name: string;
  /** What gives it the name, for people. */
  readonly setting: string;
  readonly site: string;
};

/** How initializing a site names its authority. Others, also those that people make themselves, say nothing of a site. */
const AUTHORITY_OF_SITE = /^Blindsight ([a-z0-9-]+)$/;
/** What an authority is called that was made for no site in particular. */
const NO_SITE = 'installation';

/**
 * Reads the PEM files that a configuration names for the link, and sees that they fit together and belong to their owner. Their dates are
 * looked at when they matter: at a connection that fails.
 *
 * @throws BlindsightError FILE_UNREADABLE; for the key, SECRET_EXPOSED; LINK_CREDENTIALS with file and setting
 */
export async function readLinkCredentials(
  paths: TlsFiles,
  owner?: LinkOwner,
): Promise<{ ca: Buffer; certificate: Buffer; key: Buffer; files: TlsFiles }> {
  const [ca, certificate, key] = await Promise.all([
    readPublicFile(paths.ca),
    readPublicFile(paths.certificate),
    readSecretFile(paths.key),
  ]);
  const texts = { ca, certificate, key };
  const problem =
    findMisfit(texts, paths, 'broker.') ?? (owner ? findStranger(certificate, paths, owner) : null);
  if (problem !== null) throw new BlindsightError('LINK_CREDENTIALS', problem);
  return { ...texts, files: { ca: paths.ca, certificate: paths.certificate, key: paths.key } };
}

/** What shows that a certificate is somebody else's. */
function findStranger(
  certificate: Buffer,
  paths: TlsFiles,
  { name, setting, site }: LinkOwner,
): string | null {
  const own = parseCertificates(certificate)[0]!;
  const whose = commonName(own.subject);
  if (whose !== name) {
    return `${paths.certificate} (broker.certificate) is the certificate of "${whose}", not of "${name}" (${setting})`;
  }
  if (!isForClients(own))
    return `${paths.certificate} (broker.certificate) is not valid for a client of the broker`;
  const home = AUTHORITY_OF_SITE.exec(commonName(own.issuer))?.[1];
  if (home === undefined || home === NO_SITE || home === site) return null;
  return `${paths.ca} (broker.ca) and the certificate belong to the site "${home}", and \`site\` says "${site}"`;
}
