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
  /** What defines the name, for messages. */
  readonly setting: string;
  readonly site: string;
};

/** How `site init` names its authority. Other names, including custom ones, say nothing about a site. */
const AUTHORITY_OF_SITE = /^Blindsight ([a-z0-9-]+)$/;
/** The name of an authority that was not made for a particular site. */
const NO_SITE = 'installation';

/**
 * Reads the PEM files that a configuration names for the link, and checks that they match and belong to their owner. Their dates are
 * checked when they matter: when a connection fails.
 *
 * @throws BlindsightError FILE_UNREADABLE; for the key, SECRET_EXPOSED; LINK_CREDENTIALS with file and setting
 */
export async function readLinkCredentials(
  paths: TlsFiles & { readonly tpm?: string | undefined },
  owner?: LinkOwner,
): Promise<{ ca: Buffer; certificate: Buffer; key: Buffer; files: TlsFiles; tpm?: string }> {
  const [ca, certificate, key] = await Promise.all([
    readPublicFile(paths.ca),
    readPublicFile(paths.certificate),
    readSecretFile(paths.key),
  ]);
  const texts = { ca, certificate, key };
  const problem =
    findMisfit(texts, paths, 'broker.') ?? (owner ? findStranger(certificate, paths, owner) : null);
  if (problem !== null) throw new BlindsightError('LINK_CREDENTIALS', problem);
  const { ca: caFile, certificate: certificateFile, key: keyFile, tpm } = paths;
  const files = { ca: caFile, certificate: certificateFile, key: keyFile };
  return { ...texts, files, ...(tpm !== undefined && { tpm }) };
}

/** Why a certificate belongs to somebody else. */
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
