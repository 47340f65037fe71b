import 'reflect-metadata'; // before @peculiar/x509
import { Pkcs10CertificateRequest } from '@peculiar/x509';
import { BlindsightError } from '#protocol/errors.ts';

const P256 = { name: 'ECDSA', namedCurve: 'P-256' } as const;

/**
 * Reads a certificate request (PKCS #10, DER) and checks that its sender has the private half of the key in it. Of what it asks for only the key
 * and the name count; extensions are ours to give.
 *
 * @param name whose it must be
 * @throws BlindsightError ENROLMENT_INVALID for what is none, ENROLMENT_KEY for a key that is not P-256, ENROLMENT_NAME for another name
 */
export async function readCertificateRequest(der: Uint8Array, name: string): Promise<CryptoKey> {
  const { request, algorithm, subject } = parse(der);
  if (algorithm.name !== P256.name || algorithm.namedCurve !== P256.namedCurve) {
    throw new BlindsightError(
      'ENROLMENT_KEY',
      `the certificate request has a key of another kind: ${shown(algorithm)}; expected P-256`,
    );
  }
  let publicKey: CryptoKey;
  let isSigned: boolean;
  try {
    publicKey = await request.publicKey.export(P256, ['verify'], crypto);
    isSigned = await request.verify(crypto);
  } catch (cause) {
    throw new BlindsightError('ENROLMENT_KEY', 'the key of the certificate request is not a point of P-256', {
      cause,
    });
  }
  if (!isSigned) {
    throw new BlindsightError('ENROLMENT_INVALID', 'the certificate request is not signed by its own key');
  }
  if (subject !== JSON.stringify([{ CN: [name] }])) {
    throw new BlindsightError(
      'ENROLMENT_NAME',
      `the certificate request of ${name} asks for another name: ${subject.slice(0, 100)}`,
    );
  }
  return publicKey;
}

type Parsed = {
  readonly request: Pkcs10CertificateRequest;
  readonly algorithm: { readonly name: string; readonly namedCurve?: string };
  /** JSON. */
  readonly subject: string;
};

/** Also of key and name, which the library reads only once they are asked for. */
function parse(der: Uint8Array): Parsed {
  try {
    const request = new Pkcs10CertificateRequest(Uint8Array.from(der));
    const algorithm = request.publicKey.algorithm as Parsed['algorithm'];
    return { request, algorithm, subject: JSON.stringify(request.subjectName.toJSON()) };
  } catch (cause) {
    throw new BlindsightError('ENROLMENT_INVALID', 'the certificate request is damaged', { cause });
  }
}

function shown({ name, namedCurve }: Parsed['algorithm']): string {
  return namedCurve === undefined ? name.slice(0, 40) : `${name.slice(0, 40)} ${namedCurve.slice(0, 40)}`;
}
