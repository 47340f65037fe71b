import { createPublicKey, X509Certificate } from 'node:crypto';
import { BlindsightError, type ErrorCode } from '#protocol/errors.ts';
import { GatewayName } from '#protocol/names.ts';
import {
  lifeShare,
  type RenewalAnswer,
  type RenewalRequest,
  readRenewal,
  renewalDigest,
} from '#protocol/renewal.ts';
import { gatewayTopics } from '#protocol/topics.ts';
import { commonName, parseCertificates, shownTime } from '#runtime/certificate-check.ts';
import type { Clock } from '#runtime/clock.ts';
import type { Link, MessageHandler } from '#runtime/link.ts';
import type { Logger } from '#runtime/log.ts';
import { MinuteBudget } from '#runtime/minute-budget.ts';
import type { Site } from '../site.ts';
import type { GatewayRecord } from '../store/gateways.ts';
import { noteCertificate } from './note-certificates.ts';
import { openAuthority } from './open-authority.ts';
import { readCertificateRequest } from './read-certificate-request.ts';

export type RenewalServiceOptions = {
  readonly site: Pick<Site, 'name' | 'store' | 'vault' | 'gatewayCertificateDays'>;
  readonly link: Pick<Link, 'publish'>;
  readonly clock: Clock;
  readonly log: Logger;
};

/** A gateway asks when two thirds of its certificate's life are over, by its own clock; ours may be another. */
const EARLIEST_SHARE = 1 / 2;
/** Answers can be lost, and each issue leaves a row. */
const ISSUED_PER_DAY = 6;
const DAY_MS = 24 * 3_600_000;
/** Requests that wait, of all gateways. */
const WAITING_MAX = 256;

/** Renews the certificates of gateways that ask for it, and revokes nothing: the one before stays good until the gateway shows the next. */
export class RenewalService {
  readonly #options: RenewalServiceOptions;
  readonly #budget: MinuteBudget;
  #work: Promise<void> = Promise.resolve();
  #waiting = 0;

  constructor(options: RenewalServiceOptions) {
    this.#options = options;
    this.#budget = new MinuteBudget(options.clock);
  }

  /** For `certificate/request` of any gateway. */
  readonly receive: MessageHandler = (topic, payload, { retain }) => {
    const gateway = topic.split('/')[3] ?? '';
    if (retain || !GatewayName.safeParse(gateway).success || this.#waiting >= WAITING_MAX) return;
    if (!this.#budget.take(gateway)) return;
    this.#waiting++;
    this.#work = this.#work
      .then(() => this.#answer(gateway, payload))
      .catch((err: unknown) => this.#options.log.warn({ err, gateway }, 'a certificate could not be renewed'))
      .finally(() => this.#waiting--);
  };

  /** Resolves when nothing waits. */
  idle(): Promise<void> {
    return this.#work;
  }

  async #answer(gateway: string, wire: Uint8Array): Promise<void> {
    const { site, link, log } = this.#options;
    const answer = await this.#issue(gateway, wire).catch(
      (error: unknown): RenewalAnswer['error'] & object => {
        if (!(error instanceof BlindsightError)) throw error;
        log.warn(
          { gateway, code: error.code },
          `the certificate of ${gateway} is not renewed: ${error.message}`,
        );
        return { code: error.code, message: error.message.slice(0, 1_000) };
      },
    );
    const isIssued = typeof answer === 'string';
    const message: RenewalAnswer = {
      request: renewalDigest(wire),
      certificate: isIssued ? answer : null,
      error: isIssued ? null : answer,
    };
    await link.publish(gatewayTopics(site.name, gateway).certificateIssued, JSON.stringify(message));
  }

  /** @returns PEM */
  async #issue(name: string, wire: Uint8Array): Promise<string> {
    const { site, clock, log } = this.#options;
    const gateway = await site.store.gateways.get(name);
    if (gateway === null) throw refused(`no gateway ${name} is enrolled, or it was removed`);
    const request = readRenewal(wire, createPublicKey(gateway.signingKey));
    if (request.site !== site.name || request.gateway !== name) {
      throw new BlindsightError(
        'ENROLMENT_NAME',
        `${name} of ${site.name} asks for a certificate of ${request.gateway} of ${request.site}`,
      );
    }
    if (gateway.quarantine !== null) throw refused(`gateway ${name} is in quarantine`);
    const publicKey = await this.#check(gateway, request);
    const authority = await openAuthority(site.store, site.vault);
    const certificate = await authority.certify(
      { kind: 'gateway', commonName: name, days: site.gatewayCertificateDays, fromMs: clock.now() },
      publicKey,
    );
    const { serialNumber, validToDate } = new X509Certificate(certificate);
    const message = `the certificate of gateway ${name} was renewed: ${serialNumber}, until ${shownTime(validToDate.getTime())}`;
    await site.store.transaction(async (store) => {
      await noteCertificate({ store }, 'gateway', name, certificate);
      const timeMs = clock.now();
      await store.journal.add({ timeMs, level: 'info', code: 'CERTIFICATE_RENEWED', subject: name, message });
    });
    log.info({ gateway: name }, message);
    return certificate;
  }

  /** Checks what is asked for against what there is. @returns the key that the next certificate is for */
  async #check({ name }: GatewayRecord, request: RenewalRequest): Promise<CryptoKey> {
    const { site, clock } = this.#options;
    const publicKey = await readCertificateRequest(request.certificateRequest, name);
    const before = parseDer(request.certificate);
    const [authority] = parseCertificates((await openAuthority(site.store, site.vault)).certificate);
    const isOurs = before.checkIssued(authority!) && before.verify(authority!.publicKey);
    if (!isOurs || commonName(before.subject) !== name)
      throw refused(`its certificate is not one of ${name} of this site`);
    const spki = await crypto.subtle.exportKey('spki', publicKey);
    if (!before.publicKey.export({ type: 'spki', format: 'der' }).equals(Buffer.from(spki)))
      throw refused(
        'the request is for another key than its certificate; another box takes the place of a gateway with `blindsight gateway replace`',
      );
    const known = await site.store.certificates.get(before.serialNumber);
    if (known === null || known.revokedMs !== null)
      throw refused(
        `its certificate ${before.serialNumber} ${known === null ? 'is unknown here' : 'was revoked'}`,
      );
    const nowMs = clock.now();
    const share = lifeShare(before.validFromDate.getTime(), before.validToDate.getTime(), nowMs);
    if (share < EARLIEST_SHARE)
      throw new BlindsightError(
        'RENEWAL_EARLY',
        `its certificate is good until ${shownTime(before.validToDate.getTime())}; if the gateway thinks otherwise, its clock is wrong`,
      );
    const recent = await site.store.certificates.issuedSince('gateway', name, nowMs - DAY_MS);
    if (recent.length >= ISSUED_PER_DAY)
      throw new BlindsightError(
        'RENEWAL_EARLY',
        `${recent.length} certificates were issued to ${name} within a day`,
      );
    return publicKey;
  }
}

function refused(why: string): BlindsightError {
  const code: ErrorCode = 'RENEWAL_REFUSED';
  return new BlindsightError(code, why);
}

function parseDer(der: Uint8Array): X509Certificate {
  try {
    return new X509Certificate(der);
  } catch (cause) {
    throw new BlindsightError('ENROLMENT_INVALID', 'the certificate in the request is damaged', { cause });
  }
}
