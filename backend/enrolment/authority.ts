import 'reflect-metadata'; // first: @peculiar/x509 registers its parts with it when it loads
import { randomBytes } from 'node:crypto';
import { isIP } from 'node:net';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  Name as DistinguishedName,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  type JsonGeneralName,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
  X509CrlGenerator,
  X509CrlReason,
} from '@peculiar/x509';
import { ENROLMENT_SERVER_NAME } from '#protocol/enrolment.ts';
import { BlindsightError } from '#protocol/errors.ts';
import { GatewayName, Name } from '#protocol/names.ts';
import { VIEWER_COMMON_NAME } from '#protocol/topics.ts';

/** Whose certificate it is: servers (broker, enrolment) prove their host names, clients their common name. */
export type CertificateKind = 'broker' | 'backend' | 'cockpit' | 'gateway' | 'viewer' | 'enrolment';

export type Issued = {
  /** PEM. */
  readonly certificate: string;
  /** PEM, PKCS #8; a secret. */
  readonly key: string;
};

export type IssueRequest = {
  readonly kind: CertificateKind;
  /** For a gateway or a viewer its name; for the others it must be the kind itself. */
  readonly commonName: string;
  /** Host names and addresses of a server; localhost and 127.0.0.1 are always among them. */
  readonly subjectAltNames?: readonly string[];
  /** How long it is valid. */
  readonly days: number;
  /** From when on; now where left out. */
  readonly fromMs?: number;
};

export type RenewRequest = IssueRequest & {
  /** PEM of the certificate whose key pair is kept. */
  readonly certificate: string;
};

/** A certificate that must no longer be trusted. */
export type RevokedCertificate = {
  /** As X509Certificate of node:crypto gives it, hex. */
  readonly serialNumber: string;
  readonly revokedMs: number;
};

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const AUTHORITY_DAYS = 20 * 365;
const DAYS_MAX = 10 * 365;
/** Certificates are valid from so long before they were issued: clocks of gateways without a battery run behind. */
export const BACKDATED_MS = 24 * 3600 * 1000;
const DAY_MS = 24 * 3600 * 1000;
const HOST = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/i;

/** The certificate authority of one installation: EC P-256, signs leaf certificates only. */
export class Authority {
  /** PEM; what every part of the installation trusts. */
  readonly certificate: string;
  /** PEM, PKCS #8; a secret. */
  readonly key: string;

  constructor(certificate: string, key: string) {
    this.certificate = certificate;
    this.key = key;
  }

  /**
   * Makes a key pair and a certificate for it.
   * @throws BlindsightError CERTIFICATE_INVALID for an impossible name, host or duration.
   */
  async issue(request: IssueRequest): Promise<Issued> {
    check(request);
    const keys = await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
    const certificate = await this.#certify(request, keys.publicKey);
    return { certificate, key: await exportKey(keys.privateKey) };
  }

  /**
   * Makes a certificate for a key pair whose private half is elsewhere.
   *
   * @param publicKey P-256; that its owner has the private half must have been checked
   * @returns PEM
   * @throws BlindsightError CERTIFICATE_INVALID for an impossible name, host or duration.
   */
  async certify(request: IssueRequest, publicKey: CryptoKey): Promise<string> {
    check(request);
    return this.#certify(request, publicKey);
  }

  /** SHA-256 of the authority's certificate, 32 bytes: by it a gateway that has nothing yet knows this site. */
  async fingerprint(): Promise<Uint8Array> {
    return new Uint8Array(await this.#parsed().getThumbprint('SHA-256', crypto));
  }

  /**
   * Makes another certificate for an existing key pair, without needing the private key.
   * @returns PEM
   * @throws BlindsightError CERTIFICATE_INVALID for an impossible name, host or duration, or a certificate of another authority.
   */
  async renew(request: RenewRequest): Promise<string> {
    check(request);
    const before = new X509Certificate(request.certificate);
    if (!(await before.verify({ publicKey: this.#parsed(), signatureOnly: true }, crypto))) {
      throw new BlindsightError(
        'CERTIFICATE_INVALID',
        `the certificate of the ${request.kind} is from another authority`,
      );
    }
    return this.#certify(request, await before.publicKey.export(ALGORITHM, ['verify'], crypto));
  }

  async #certify(request: IssueRequest, publicKey: CryptoKey): Promise<string> {
    const issuer = this.#parsed();
    const isServer = isServerKind(request.kind);
    const certificate = await X509CertificateGenerator.create(
      {
        serialNumber: serialNumber(),
        subject: subjectOf(request),
        issuer: issuer.subjectName,
        ...validity(request.days, request.fromMs),
        signingAlgorithm: ALGORITHM,
        publicKey,
        signingKey: await importKey(this.key),
        extensions: [
          new BasicConstraintsExtension(false, undefined, true),
          new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
          new ExtendedKeyUsageExtension([
            isServer ? ExtendedKeyUsage.serverAuth : ExtendedKeyUsage.clientAuth,
          ]),
          ...(isServer ? [hostNames(request.subjectAltNames ?? [])] : []),
          await AuthorityKeyIdentifierExtension.create(issuer, false, crypto),
          await SubjectKeyIdentifierExtension.create(publicKey, false, crypto),
        ],
      },
      crypto,
    );
    return `${certificate.toString('pem')}\n`;
  }

  /**
   * Signs the list of revoked certificates (X.509 CRL, PEM), for brokers that read one, such as Mosquitto. It does not expire before the
   * authority: a broker that refuses everybody because nobody renewed the list would be worse.
   */
  async revocationList(revoked: readonly RevokedCertificate[], nowMs: number): Promise<string> {
    const issuer = this.#parsed();
    const list = await X509CrlGenerator.create(
      {
        issuer: issuer.subjectName,
        thisUpdate: new Date(nowMs - BACKDATED_MS),
        nextUpdate: issuer.notAfter,
        entries: revoked.map(({ serialNumber, revokedMs }) => ({
          serialNumber,
          revocationDate: new Date(revokedMs),
          reason: X509CrlReason.cessationOfOperation,
        })),
        extensions: [await AuthorityKeyIdentifierExtension.create(issuer, false, crypto)],
        signingAlgorithm: ALGORITHM,
        signingKey: await importKey(this.key),
      },
      crypto,
    );
    // OpenSSL accepts only this label.
    return `${PemConverter.encode(list.rawData, 'X509 CRL')}\n`;
  }

  #parsed(): X509Certificate {
    try {
      return new X509Certificate(this.certificate);
    } catch (cause) {
      throw new BlindsightError('CERTIFICATE_INVALID', 'the certificate of the authority is damaged', {
        cause,
      });
    }
  }
}

/** Makes a new authority; `name` is shown to people who look at its certificate. */
export async function createAuthority(name = 'Blindsight installation'): Promise<Authority> {
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const extensions: Extension[] = [
    new BasicConstraintsExtension(true, 0, true),
    new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
    await SubjectKeyIdentifierExtension.create(keys.publicKey, false, crypto),
  ];
  const certificate = await X509CertificateGenerator.createSelfSigned(
    {
      serialNumber: serialNumber(),
      name: distinguished(name),
      ...validity(AUTHORITY_DAYS),
      signingAlgorithm: ALGORITHM,
      keys,
      extensions,
    },
    crypto,
  );
  return new Authority(`${certificate.toString('pem')}\n`, await exportKey(keys.privateKey));
}

function check({ kind, commonName, subjectAltNames = [], days }: IssueRequest): void {
  const isNamed = kind === 'gateway' || kind === 'viewer';
  const fits = isNamed ? GatewayName.safeParse(commonName).success : commonName === kind;
  if (!fits || !Name.safeParse(commonName).success) {
    throw new BlindsightError(
      'CERTIFICATE_INVALID',
      `"${commonName}" cannot be the common name of a ${kind}`,
    );
  }
  if (!(days > 0 && days <= DAYS_MAX)) {
    throw new BlindsightError(
      'CERTIFICATE_INVALID',
      `${days} days: expected more than 0 and at most ${DAYS_MAX}`,
    );
  }
  if (!isServerKind(kind) && subjectAltNames.length > 0) {
    throw new BlindsightError('CERTIFICATE_INVALID', `a ${kind} has no host names`);
  }
  checkHosts(subjectAltNames);
}

function isServerKind(kind: CertificateKind): boolean {
  return kind === 'broker' || kind === 'enrolment';
}

/**
 * A viewer has the same common name as all others, because Mosquitto's access list knows no other way to name a kind of client; its own name is
 * the organizational unit. No gateway can be called like it.
 */
function subjectOf({ kind, commonName }: IssueRequest): DistinguishedName {
  if (kind === 'viewer') return new DistinguishedName([{ CN: [VIEWER_COMMON_NAME] }, { OU: [commonName] }]);
  return distinguished(kind === 'enrolment' ? ENROLMENT_SERVER_NAME : commonName);
}

/** @throws BlindsightError CERTIFICATE_INVALID for what is neither a host name nor an address */
export function checkHosts(hosts: readonly string[]): void {
  const odd = hosts.find((host) => isIP(host) === 0 && !HOST.test(host));
  if (odd === undefined) return;
  throw new BlindsightError(
    'CERTIFICATE_INVALID',
    `"${odd}" is neither a host name nor an address; write it without mqtts://, port and brackets`,
  );
}

function hostNames(hosts: readonly string[]): SubjectAlternativeNameExtension {
  const all = [...new Set(['localhost', '127.0.0.1', ...hosts])];
  return new SubjectAlternativeNameExtension(
    all.map((value): JsonGeneralName => ({ type: isIP(value) ? 'ip' : 'dns', value })),
  );
}

/** A list of attributes instead of a string, so that no name needs escaping. */
function distinguished(commonName: string): DistinguishedName {
  return new DistinguishedName([{ CN: [commonName] }]);
}

function validity(days: number, now = Date.now()): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(now - BACKDATED_MS), notAfter: new Date(now + days * DAY_MS) };
}

/** 127 random bits; positive and without leading zero, as RFC 5280 requires. */
function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = (bytes[0]! & 0x7f) | 0x40;
  return bytes.toString('hex');
}

async function importKey(pem: string): Promise<CryptoKey> {
  try {
    const der = PemConverter.decodeFirst(pem);
    return await crypto.subtle.importKey('pkcs8', der, ALGORITHM, false, ['sign']);
  } catch (cause) {
    throw new BlindsightError('CERTIFICATE_INVALID', 'the key of the authority is damaged', { cause });
  }
}

async function exportKey(key: CryptoKey): Promise<string> {
  return `${PemConverter.encode(await crypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY')}\n`;
}
