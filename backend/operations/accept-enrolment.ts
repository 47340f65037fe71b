import { createHash, diffieHellman, generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto';
import {
  type EnrolmentAnswer,
  type EnrolmentRequest,
  publicKeyOf,
  readEnrolmentRequest,
} from '#protocol/enrolment.ts';
import { BlindsightError } from '#protocol/errors.ts';
import { invitationDigest } from '#protocol/invitation.ts';
import { type Clock, systemClock } from '#runtime/clock.ts';
import { openAuthority } from '../enrolment/open-authority.ts';
import { readCertificateRequest } from '../enrolment/read-certificate-request.ts';
import { writeRevocations } from '../enrolment/write-revocations.ts';
import { rootPublicKey } from '../owner-keys/root-key.ts';
import type { Site } from '../site.ts';
import type { InvitationRecord } from '../store/invitations.ts';
import type { Store } from '../store/store.ts';
import { ownerPublicKey } from './initialize-site.ts';
import { REKEY_GRACE_MS } from './reprotect-gateway.ts';
import { retireKeysOf } from './retire-keys-of.ts';

export type AcceptOptions = {
  readonly site: Site;
  /** As the gateway sent it. */
  readonly wire: Uint8Array;
  /** mqtts://host:port as the gateway reaches the broker. */
  readonly brokerUrl: string;
  /**
   * Called where another box takes the place of a gateway, in the transaction that does so: gives it the settings of the one before.
   *
   * @returns cameras whose passwords it cannot have
   */
  readonly carry?: (store: Store, gateway: string) => Promise<readonly string[]>;
  readonly clock?: Clock;
};

const REPLACED = 'another box took the place of the gateway';

const publicPem = (key: KeyObject): string => key.export({ type: 'spki', format: 'pem' }) as string;

/**
 * Enrols a gateway that made its keys itself and has an invitation. The same request again, because the answer was lost, is answered the same.
 *
 * @throws BlindsightError INVITATION_UNKNOWN, INVITATION_USED, INVITATION_EXPIRED, INVITATION_SITE, ENROLMENT_INVALID, ENROLMENT_KEY, ENROLMENT_NAME,
 *   GATEWAY_EXISTS, GATEWAY_NOT_FOUND; nothing has changed then, and the invitation is as good as before
 */
export async function acceptInvited(options: AcceptOptions): Promise<EnrolmentAnswer> {
  const { site, wire, clock = systemClock } = options;
  const request = readEnrolmentRequest(wire);
  if (request.secret === null)
    throw new BlindsightError('INVITATION_UNKNOWN', 'the request has no invitation');
  const secretDigest = invitationDigest(request.secret);
  const requestDigest = createHash('sha256').update(wire).digest('hex');
  const invitation = await site.store.invitations.get(secretDigest);
  if (invitation === null) {
    throw new BlindsightError(
      'INVITATION_UNKNOWN',
      `the site ${site.name} made no such invitation, or made a newer one for the same gateway`,
    );
  }
  if (request.gateway !== invitation.gateway || request.site !== site.name) {
    throw new BlindsightError(
      'INVITATION_SITE',
      `the invitation is for ${invitation.gateway} of ${site.name}, the request for ${request.gateway} of ${request.site}`,
    );
  }
  const nowMs = clock.now();
  const before = earlierAnswer(invitation, requestDigest, nowMs);
  if (before !== null) return before;
  const enrolled = await certify(options, request);
  await site.store.transaction(async (store) => {
    if (!(await store.invitations.use(secretDigest, requestDigest, JSON.stringify(enrolled.answer), nowMs))) {
      throw new BlindsightError(
        'INVITATION_USED',
        'the invitation was used in the same moment by another gateway',
      );
    }
    if (!invitation.replaces) return addGateway(store, enrolled, nowMs);
    await replaceGateway(store, enrolled, nowMs);
    await notePasswords(store, enrolled, (await options.carry?.(store, request.gateway)) ?? [], nowMs);
  });
  if (invitation.replaces) await writeRevocations(site, nowMs);
  return enrolled.answer;
}

/**
 * Enrols a gateway whose request came as a file, carried by somebody who has compared its digest.
 *
 * @param name the name that it must ask for
 * @throws BlindsightError as {@link acceptInvited}, except for the invitation
 */
export async function acceptCarried(
  options: AcceptOptions & { readonly name: string },
): Promise<EnrolmentAnswer> {
  const { site, wire, name, clock = systemClock } = options;
  const request = readEnrolmentRequest(wire);
  if (request.gateway !== name || (request.site !== null && request.site !== site.name)) {
    throw new BlindsightError(
      'ENROLMENT_NAME',
      `the request is of gateway ${request.gateway}${request.site === null ? '' : ` of ${request.site}`}, not of ${name} of ${site.name}`,
    );
  }
  const enrolled = await certify(options, request);
  await site.store.transaction((store) => addGateway(store, enrolled, clock.now()));
  return enrolled.answer;
}

type Enrolled = {
  readonly answer: EnrolmentAnswer;
  readonly record: {
    readonly name: string;
    readonly signingKey: string;
    readonly sealingKey: string;
    readonly certificateSerial: string;
    readonly certificateEndMs: number;
  };
};

/** What was answered to this very request before; null where the invitation is still good. */
function earlierAnswer(
  { usedMs, requestDigest: usedBy, answer, expiresMs }: InvitationRecord,
  requestDigest: string,
  nowMs: number,
): EnrolmentAnswer | null {
  if (nowMs >= expiresMs) {
    throw new BlindsightError(
      'INVITATION_EXPIRED',
      `the invitation was good until ${new Date(expiresMs).toISOString()}`,
    );
  }
  if (usedMs === null) return null;
  if (usedBy === requestDigest && answer !== null) return JSON.parse(answer) as EnrolmentAnswer;
  throw new BlindsightError(
    'INVITATION_USED',
    `the invitation was used on ${new Date(usedMs).toISOString()}, by a gateway with other keys`,
  );
}

async function certify(
  { site, brokerUrl }: AcceptOptions,
  { gateway: name, certificateRequest, signingKey, sealingKey }: EnrolmentRequest,
): Promise<Enrolled> {
  const publicKey = await readCertificateRequest(certificateRequest, name);
  const sealing = publicKeyOf('X25519', sealingKey);
  checkSealingKey(sealing);
  const authority = await openAuthority(site.store, site.vault);
  const certificate = await authority.certify(
    { kind: 'gateway', commonName: name, days: site.gatewayCertificateDays },
    publicKey,
  );
  const root = await rootPublicKey(site.store);
  const { serialNumber, validToDate } = new X509Certificate(certificate);
  return {
    answer: {
      schema: 1,
      site: site.name,
      gateway: name,
      certificate,
      ca: authority.certificate,
      ownerKey: await ownerPublicKey(site.store, site.vault),
      ...(root !== null && { rootKey: publicPem(root) }),
      brokerUrl,
    },
    record: {
      name,
      signingKey: publicPem(publicKeyOf('Ed25519', signingKey)),
      sealingKey: publicPem(sealing),
      certificateSerial: serialNumber,
      certificateEndMs: validToDate.getTime(),
    },
  };
}

/** A point of small order would seal every password to a secret that everybody knows. */
function checkSealingKey(publicKey: KeyObject): void {
  try {
    diffieHellman({ privateKey: generateKeyPairSync('x25519').privateKey, publicKey });
  } catch (cause) {
    throw new BlindsightError('ENROLMENT_KEY', 'the sealing key of the request is a weak X25519 key', {
      cause,
    });
  }
}

async function addGateway(store: Store, { record }: Enrolled, nowMs: number): Promise<void> {
  const { name } = record;
  if (!(await store.gateways.add({ ...record, enrolledMs: nowMs }))) {
    throw new BlindsightError('GATEWAY_EXISTS', `a gateway ${name} is, or was, already enrolled`);
  }
  await store.journal.add({
    timeMs: nowMs,
    level: 'info',
    code: 'GATEWAY_ENROLLED',
    subject: name,
    message: `gateway ${name} was enrolled, with keys that it made itself`,
  });
}

async function replaceGateway(store: Store, { record }: Enrolled, nowMs: number): Promise<void> {
  const { name } = record;
  await store.certificates.revokeAll('gateway', name, nowMs);
  if (!(await store.gateways.replace({ ...record, replacedMs: nowMs }))) {
    throw new BlindsightError('GATEWAY_NOT_FOUND', `no gateway ${name} is enrolled`);
  }
  // The box before may be in other hands, with all that it had. The new one works with its keys until it has its own: see `RekeyService`.
  await retireKeysOf(store, name, { nowMs, graceMs: REKEY_GRACE_MS, reason: REPLACED });
  await store.journal.add({
    timeMs: nowMs,
    level: 'warn',
    code: 'GATEWAY_REPLACED',
    subject: name,
    message: `another box took the place of gateway ${name}; what the one before sends is refused from now on`,
  });
}

async function notePasswords(
  store: Store,
  { record: { name } }: Enrolled,
  cameras: readonly string[],
  timeMs: number,
): Promise<void> {
  if (cameras.length === 0) return;
  await store.journal.add({
    timeMs,
    level: 'warn',
    code: 'GATEWAY_PASSWORDS_MISSING',
    subject: name,
    message: `the new box of ${name} has no passwords for these cameras, push them again: ${cameras.join(', ')}`,
  });
}
