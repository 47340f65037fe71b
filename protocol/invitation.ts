import { createHash } from 'node:crypto';
import { z } from 'zod';
import { decodeCanonical, encodeCanonical } from './cbor.ts';
import { BlindsightError } from './errors.ts';
import { GatewayName, Name } from './names.ts';

/** What `blindsight gateway invite` hands to a gateway: where to enrol, whom to believe, and a secret that is good once. */
export type Invitation = {
  readonly site: string;
  readonly gateway: string;
  /** SHA-256 of the DER form of the authority's certificate, 32 bytes. */
  readonly fingerprint: Uint8Array;
  /** Where the enrolment of the site may be reached, tried in order. `host` without brackets. */
  readonly addresses: readonly EnrolmentAddress[];
  /** 32 random bytes. */
  readonly secret: Uint8Array;
};

export type EnrolmentAddress = { readonly host: string; readonly port: number };

/** Name and version of the form. */
const PREFIX = 'blindsight1_';
const CHECK_BYTES = 4;
const TOKEN_MAX = 2_000;
export const MAX_ADDRESSES = 4;

const bytes = (length: number) =>
  z.instanceof(Uint8Array).refine((value) => value.length === length, `${length} bytes`);

const Wire = z.tuple([
  Name,
  GatewayName,
  bytes(32),
  z
    .array(z.tuple([z.string().min(1).max(253), z.number().int().min(1).max(65_535)]))
    .min(1)
    .max(MAX_ADDRESSES),
  bytes(32),
]);

/** One line without white space: the form, its content as CBOR and four bytes that show whether it was copied completely, in base64url. */
export function encodeInvitation(invitation: Invitation): string {
  const { site, gateway, fingerprint, addresses, secret } = invitation;
  const content = encodeCanonical([
    site,
    gateway,
    fingerprint,
    addresses.map(({ host, port }) => [host, port]),
    secret,
  ]);
  return PREFIX + Buffer.concat([content, check(content)]).toString('base64url');
}

/**
 * Reads an invitation; white space around it, and line ends that a mail program put into it, do no harm.
 *
 * @throws BlindsightError INVITATION_INVALID, without the text: it is a secret
 */
export function parseInvitation(text: string): Invitation {
  const token = text.replace(/\s+/g, '');
  if (token.length > TOKEN_MAX || !token.startsWith(PREFIX)) {
    throw new BlindsightError('INVITATION_INVALID', `this is not an invitation: one begins with ${PREFIX}`);
  }
  const encoded = token.slice(PREFIX.length);
  const whole = Buffer.from(encoded, 'base64url');
  const content = whole.subarray(0, -CHECK_BYTES);
  const isWhole =
    whole.toString('base64url') === encoded && whole.subarray(-CHECK_BYTES).equals(check(content));
  const read = isWhole ? Wire.safeParse(decode(content)) : null;
  if (read?.success !== true) {
    throw new BlindsightError(
      'INVITATION_INVALID',
      'the invitation is damaged: characters are missing or were changed',
    );
  }
  const [site, gateway, fingerprint, addresses, secret] = read.data;
  return {
    site,
    gateway,
    fingerprint,
    addresses: addresses.map(([host, port]) => ({ host, port })),
    secret,
  };
}

/** What the site keeps of a secret: SHA-256, hex. The secret is random, so nothing slower is needed. */
export function invitationDigest(secret: Uint8Array): string {
  return createHash('sha256').update('blindsight invitation 1\0').update(secret).digest('hex');
}

function check(content: Uint8Array): Buffer {
  return createHash('sha256').update(PREFIX).update(content).digest().subarray(0, CHECK_BYTES);
}

function decode(content: Uint8Array): unknown {
  try {
    return decodeCanonical(content);
  } catch {
    return null;
  }
}
