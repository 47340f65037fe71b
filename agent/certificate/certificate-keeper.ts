import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AgentConfig } from '#config/schema.ts';
import { BlindsightError } from '#protocol/errors.ts';
import { parseMessage } from '#protocol/parse-message.ts';
import { lifeShare, RENEWAL_SHARE, RenewalAnswer, renewalDigest, signRenewal } from '#protocol/renewal.ts';
import { gatewayTopics } from '#protocol/topics.ts';
import {
  commonName,
  findInvalidity,
  findMisfit,
  isForClients,
  parseCertificates,
  shownTime,
} from '#runtime/certificate-check.ts';
import { describeNearEnd } from '#runtime/certificate-end.ts';
import type { Clock } from '#runtime/clock.ts';
import { ensureDirectory, writeFileAtomic } from '#runtime/files.ts';
import type { Link } from '#runtime/link.ts';
import { readLinkCredentials } from '#runtime/link-credentials.ts';
import type { Logger } from '#runtime/log.ts';
import { RetryLadder } from '#runtime/retry.ts';
import { isTpmKey, tpmCertificateRequest } from '#runtime/tpm/device-key.ts';
import { DEFAULT_TPM } from '#runtime/tpm/openssl.ts';
import { makeCertificateRequest } from '../enrolment/make-certificate-request.ts';

export type CertificateKeeperOptions = {
  readonly config: Pick<AgentConfig, 'site' | 'gateway' | 'data' | 'broker'>;
  readonly signingKey: KeyObject;
  readonly clock: Clock;
  readonly log: Logger;
};

type Credentials = Awaited<ReturnType<typeof readLinkCredentials>>;

const LOOK_MS = 3_600_000;
const SAY_MS = 24 * 3_600_000;
/** How often it is seen whether something is to be done. */
const TURN_MS = 10_000;
/** Until a request without an answer is made again: the site bounds how many it looks at in a minute, and issues in a day. */
const AGAIN_MS = [40_000, 300_000, 1_800_000];

/**
 * What the gateway shows to the broker, renewed by itself at two thirds of its life.
 *
 * The key stays: only one file changes then, so that no instant leaves a certificate without its key, and a key that systemd hands out or a TPM keeps could
 * not be replaced from here anyway. Who fears for the key replaces the gateway. The renewed certificate goes to the data folder, since the
 * configured one may be root's, and wins over it as long as it fits and ends later.
 */
export class CertificateKeeper {
  readonly #options: CertificateKeeperOptions;
  #credentials: Credentials;
  #link: Pick<Link, 'publish' | 'reconnect' | 'connected'> | null = null;
  /** Digest of the request that waits for its answer. */
  #asked = '';
  #saidMs = Number.NEGATIVE_INFINITY;
  #saidRefusal = '';
  #work: Promise<void> = Promise.resolve();

  private constructor(options: CertificateKeeperOptions, credentials: Credentials) {
    this.#options = options;
    this.#credentials = credentials;
  }

  /**
   * Reads the configured certificate, and the renewed one if there is any.
   *
   * @throws BlindsightError as `readLinkCredentials`, for the configured one; a renewed one that does not fit is left alone
   */
  static async open(options: CertificateKeeperOptions): Promise<CertificateKeeper> {
    const { site, gateway, broker } = options.config;
    const configured = await readLinkCredentials(broker, {
      name: gateway,
      setting: '`gateway` in the configuration',
      site,
    });
    const keeper = new CertificateKeeper(options, configured);
    await keeper.#takeRenewed();
    return keeper;
  }

  /** For the next connection. */
  get credentials(): Credentials {
    return this.#credentials;
  }

  /** When what it shows ends, ms since the epoch. */
  get endMs(): number {
    return this.#current.validToDate.getTime();
  }

  /** Of what it shows: hex, upper case. */
  get serial(): string {
    return this.#current.serialNumber;
  }

  /** Listens for certificates on a link. */
  connect(link: Pick<Link, 'publish' | 'subscribe' | 'reconnect' | 'connected' | 'onUp'>): void {
    const { site, gateway } = this.#options.config;
    this.#link = link;
    link.subscribe(gatewayTopics(site, gateway).certificateIssued, (_, payload, { retain }) => {
      if (!retain) void this.#queue(() => this.#receive(payload));
    });
    link.onUp(() => void this.#queue(() => this.#look()));
  }

  /** Looks each hour whether it is time, and sooner again where the site does not answer. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const again = new RetryLadder(AGAIN_MS);
    let hourMs = clock.monotonic();
    let againMs = Number.POSITIVE_INFINITY;
    while (!signal.aborted) {
      const isHour = clock.monotonic() >= hourMs;
      const isAgain = this.#asked !== '' && clock.monotonic() >= againMs;
      if (isHour) {
        this.#sayEnd();
        hourMs = clock.monotonic() + LOOK_MS;
      }
      if (isHour || isAgain) await this.#queue(() => this.#look());
      if (this.#asked === '') {
        again.reset();
        againMs = Number.POSITIVE_INFINITY;
      } else if (isAgain || againMs === Number.POSITIVE_INFINITY) againMs = clock.monotonic() + again.next();
      await clock.sleep(TURN_MS, signal).catch(() => {});
    }
    await this.#work;
  }

  get #current(): X509Certificate {
    return parseCertificates(this.#credentials.certificate)[0]!;
  }

  get #file(): string {
    return join(this.#options.config.data, 'certificate', 'gateway.pem');
  }

  #queue(act: () => Promise<void>): Promise<void> {
    this.#work = this.#work.then(act).catch((err: unknown) => {
      this.#options.log.warn({ err }, 'the certificate of this gateway was not renewed');
    });
    return this.#work;
  }

  async #takeRenewed(): Promise<void> {
    const pem = await readFile(this.#file).catch(() => null);
    if (pem === null) return;
    const problem = this.#problem(pem);
    // The configured one is newer: the machine was enrolled again.
    if (problem === null) this.#use(pem);
    else this.#options.log.info(`${this.#file} is not used: ${problem}`);
  }

  #use(certificate: Buffer): void {
    const { files } = this.#credentials;
    this.#credentials = { ...this.#credentials, certificate, files: { ...files, certificate: this.#file } };
  }

  /** Why a certificate cannot take the place of the one that is shown; null if it can. Its start is not looked at. */
  #problem(pem: Buffer): string | null {
    const { ca, key } = this.#credentials;
    const before = this.#current;
    const [own] = parseCertificates(pem);
    const misfit = findMisfit(
      { ca, key, certificate: pem },
      { ca: 'the authority', key: 'the key', certificate: 'the certificate' },
    );
    if (own === undefined || misfit !== null) return misfit ?? 'it holds no certificate';
    if (commonName(own.subject) !== this.#options.config.gateway)
      return `it is the certificate of "${commonName(own.subject)}"`;
    // Also where the key is in a TPM, which `findMisfit` does not ask.
    if (!own.publicKey.equals(before.publicKey)) return 'it is for another key';
    if (!isForClients(own)) return 'it is not for a client of the broker';
    const end = own.validToDate.getTime();
    return end <= before.validToDate.getTime()
      ? `it ends no later than the one before, on ${shownTime(end)}`
      : null;
  }

  async #look(): Promise<void> {
    const link = this.#link;
    const { validFromDate, validToDate } = this.#current;
    const share = lifeShare(validFromDate.getTime(), validToDate.getTime(), this.#options.clock.now());
    if (share < RENEWAL_SHARE || link === null || !link.connected) return;
    const { site, gateway } = this.#options.config;
    const wire = signRenewal(
      {
        schema: 1,
        site,
        gateway,
        certificate: new Uint8Array(this.#current.raw),
        certificateRequest: await this.#request(),
      },
      this.#options.signingKey,
    );
    this.#asked = renewalDigest(wire);
    // Lost with a connection: asked again on the next one.
    await link.publish(gatewayTopics(site, gateway).certificateRequest, wire).catch(() => {});
  }

  async #request(): Promise<Uint8Array> {
    const { key, files, tpm } = this.#credentials;
    const { gateway } = this.#options.config;
    if (isTpmKey(key)) return tpmCertificateRequest(files.key, gateway, tpm ?? DEFAULT_TPM);
    return makeCertificateRequest(gateway, createPrivateKey(key));
  }

  async #receive(payload: Uint8Array): Promise<void> {
    const { log, clock } = this.#options;
    const { request, certificate, error } = parseMessage(RenewalAnswer, payload);
    if (request !== this.#asked) return;
    this.#asked = '';
    if (certificate === null)
      return this.#sayRefusal(error?.code ?? '', error?.message ?? 'no reason was given');
    const pem = Buffer.from(certificate);
    const problem = this.#problem(pem) ?? findInvalidity(new X509Certificate(pem), clock.now());
    if (problem !== null) {
      throw new BlindsightError(
        'RENEWAL_REFUSED',
        `the certificate that the site has issued is not taken: ${problem}`,
      );
    }
    await ensureDirectory(join(this.#options.config.data, 'certificate'));
    await writeFileAtomic(this.#file, pem);
    this.#use(pem);
    log.info(
      { code: 'CERTIFICATE_RENEWED' },
      `the certificate was renewed and ends on ${shownTime(this.endMs)}`,
    );
    this.#link?.reconnect();
  }

  #sayRefusal(code: string, message: string): void {
    const { clock, log } = this.#options;
    const text = `the site does not renew the certificate of this gateway: ${message.replace(/[^\x20-\x7e]/g, '?')}`;
    if (text === this.#saidRefusal && clock.now() - this.#saidMs < SAY_MS) return;
    this.#saidRefusal = text;
    this.#saidMs = clock.now();
    log.warn({ code: code.slice(0, 64) }, text);
  }

  #endSaidMs = Number.NEGATIVE_INFINITY;

  /** Each day of the last month. */
  #sayEnd(): void {
    const { clock, log } = this.#options;
    if (clock.now() - this.#endSaidMs < SAY_MS) return;
    const { certificate, files } = this.#credentials;
    const text = describeNearEnd(certificate, files.certificate, clock.now());
    if (text === null) return;
    this.#endSaidMs = clock.now();
    log.warn({ code: 'CERTIFICATE_ENDS' }, text);
  }
}
