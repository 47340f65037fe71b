import { createHash, type KeyObject } from 'node:crypto';
import { z } from 'zod';
import { BlindsightError } from './errors.ts';
import { GatewayName, Name } from './names.ts';
import { decodeSigned, encodeSigned, type SignedKind, verifySigned } from './signed.ts';

/**
 * What a gateway asks for when two thirds of its certificate's life are over, on `certificate/request`. On the wire like a manifest, signed with the gateway's signing key: the
 * broker, which could publish here, has no such key. The certificate of before says for which key the next one is.
 */
export type RenewalRequest = {
  readonly schema: 1;
  readonly site: string;
  readonly gateway: string;
  /** What it shows now, DER. */
  readonly certificate: Uint8Array;
  /** PKCS #10, DER, for the same key. */
  readonly certificateRequest: Uint8Array;
};

/** Cap on the wire form, in bytes; one has about 1100. */
export const RENEWAL_MAX_BYTES = 8_192;

/** How much of a certificate's life must be over before its holder asks for another one. */
export const RENEWAL_SHARE = 2 / 3;

const der = z.instanceof(Uint8Array).refine((bytes) => bytes.length <= 3_072, 'at most 3072 bytes');

const KIND: SignedKind<RenewalRequest> = {
  code: 'ENROLMENT_INVALID',
  noun: 'request for another certificate',
  domain: 'blindsight renewal 1',
  schema: z.strictObject({
    schema: z.literal(1),
    site: Name,
    gateway: GatewayName,
    certificate: der,
    certificateRequest: der,
  }),
};

export function signRenewal(request: RenewalRequest, signingKey: KeyObject): Uint8Array {
  return encodeSigned(KIND, request, signingKey);
}

/**
 * @param signingKey Ed25519 public key of the gateway on whose topic it came
 * @throws BlindsightError ENROLMENT_INVALID, and nothing else
 */
export function readRenewal(wire: Uint8Array, signingKey: KeyObject): RenewalRequest {
  const { value, payload, signature } = decodeSigned(KIND, wire, RENEWAL_MAX_BYTES);
  if (verifySigned(KIND, { payload, signature }, signingKey)) return value;
  throw new BlindsightError(
    'ENROLMENT_INVALID',
    'a request for another certificate is not signed by the gateway that it came from',
  );
}

/** By which the answer to a request is known. */
export function renewalDigest(wire: Uint8Array): string {
  return createHash('sha256').update(wire).digest('hex');
}

/** On `certificate/issued`: JSON, the certificate (PEM) or why there is none. What a later version adds is left out. */
export const RenewalAnswer = z.object({
  request: z.string().regex(/^[0-9a-f]{64}$/),
  certificate: z.string().max(16_384).nullable(),
  error: z.object({ code: z.string().max(64), message: z.string().max(1_000) }).nullable(),
});
export type RenewalAnswer = z.infer<typeof RenewalAnswer>;

/** Which share of its life a certificate has behind it, 0 to 1 and beyond. */
export function lifeShare(fromMs: number, endMs: number, nowMs: number): number {
  return (nowMs - fromMs) / Math.max(1, endMs - fromMs);
}
