import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { z } from 'zod';
import { BlindsightError } from './errors.ts';
import { GatewayName, Name } from './names.ts';
import { parseMessage } from './parse-message.ts';
import { decodeSigned, encodeSigned, type SignedKind, verifySigned } from './signed.ts';

/**
 * What a gateway sends to be enrolled: public keys only. On the wire like a manifest, but signed with the gateway's own new signing key, which
 * proves that it has that key; the certificate request within proves the same for the TLS key. For the sealing key there is no proof, and no need of
 * one: whoever names a key that he does not have makes nothing but his own camera passwords unreadable.
 */
export type EnrolmentRequest = {
  readonly schema: 1;
  /** Null where it is not known: a request by file. */
  readonly site: string | null;
  readonly gateway: string;
  /** PKCS #10, DER: the P-256 key of TLS, and the gateway's name. */
  readonly certificateRequest: Uint8Array;
  /** Raw Ed25519 public key, 32 bytes. */
  readonly signingKey: Uint8Array;
  /** Raw X25519 public key, 32 bytes. */
  readonly sealingKey: Uint8Array;
  /** The secret of the invitation; null in a request by file, which people carry and compare. */
  readonly secret: Uint8Array | null;
};

/** Cap on the wire form, in bytes; one has about 500. */
export const ENROLMENT_REQUEST_MAX_BYTES = 4_096;
/** Cap on the answer, in bytes; one has about 3 000. */
export const ENROLMENT_ANSWER_MAX_BYTES = 65_536;
/** Where the enrolment of a site takes requests. */
export const ENROLMENT_PATH = '/enrol';
/** Common name of the server that takes them: no broker and no gateway can have it, so that neither can pass for it. */
export const ENROLMENT_SERVER_NAME = 'enrolment.server';

const raw = z.instanceof(Uint8Array).refine((key) => key.length === 32, '32 bytes');

const KIND: SignedKind<EnrolmentRequest> = {
  code: 'ENROLMENT_INVALID',
  noun: 'request to be enrolled',
  domain: 'blindsight enrolment 1',
  schema: z.strictObject({
    schema: z.literal(1),
    site: Name.nullable(),
    gateway: GatewayName,
    certificateRequest: z.instanceof(Uint8Array).refine((der) => der.length <= 2_048, 'at most 2048 bytes'),
    signingKey: raw,
    sealingKey: raw,
    secret: raw.nullable(),
  }),
};

/** Signs a request with the private half of its `signingKey`. */
export function signEnrolmentRequest(request: EnrolmentRequest, signingKey: KeyObject): Uint8Array {
  return encodeSigned(KIND, request, signingKey);
}

/**
 * Decodes a request and checks that it was signed with the signing key in it. The certificate request within is not looked at.
 *
 * @throws BlindsightError ENROLMENT_INVALID, and nothing else
 */
export function readEnrolmentRequest(wire: Uint8Array): EnrolmentRequest {
  const { value, payload, signature } = decodeSigned(KIND, wire, ENROLMENT_REQUEST_MAX_BYTES);
  if (!verifySigned(KIND, { payload, signature }, publicKeyOf('Ed25519', value.signingKey))) {
    throw new BlindsightError('ENROLMENT_INVALID', 'the request to be enrolled is not signed by its own key');
  }
  return value;
}

/** Half of the SHA-256 of a request in groups of four, for people who compare it at both ends. */
export function enrolmentDigest(wire: Uint8Array): string {
  const hex = createHash('sha256').update(wire).digest('hex').slice(0, 32);
  return hex.match(/.{4}/g)!.join(' ');
}

/** @param bytes raw, 32 bytes */
export function publicKeyOf(curve: 'Ed25519' | 'X25519', bytes: Uint8Array): KeyObject {
  const x = Buffer.from(bytes).toString('base64url');
  return createPublicKey({ key: { kty: 'OKP', crv: curve, x }, format: 'jwk' });
}

const pem = z.string().max(16_384).startsWith('-----BEGIN ');

/** What the site answers: JSON, public. What a later version adds is left out. */
const EnrolmentAnswer = z.object({
  schema: z.literal(1),
  site: Name,
  gateway: GatewayName,
  /** PEM, of the gateway. */
  certificate: pem,
  /** PEM, of the authority of the site. */
  ca: pem,
  /** PEM: whose signature configurations, networks and software must carry. */
  ownerKey: pem,
  /** PEM: the root key, which says later which other keys count; absent at a site without one. */
  rootKey: pem.exactOptional(),
  /** mqtts://host:port */
  brokerUrl: z
    .string()
    .max(300)
    .regex(/^mqtts:\/\/[^@\s]+$/),
});
export type EnrolmentAnswer = z.infer<typeof EnrolmentAnswer>;

/** @throws BlindsightError ENROLMENT_INVALID */
export function readEnrolmentAnswer(bytes: Uint8Array): EnrolmentAnswer {
  try {
    if (bytes.length > ENROLMENT_ANSWER_MAX_BYTES) throw new Error(`${bytes.length} bytes`);
    return parseMessage(EnrolmentAnswer, bytes);
  } catch (cause) {
    throw new BlindsightError('ENROLMENT_INVALID', 'the answer to the request is damaged, or no answer', {
      cause,
    });
  }
}

/** How the server says no: the code is one of the registry. */
export const EnrolmentRefusal = z.object({ error: z.object({ code: z.string(), message: z.string() }) });
