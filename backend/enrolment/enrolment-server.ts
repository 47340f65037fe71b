import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { BackendConfig } from '#config/schema.ts';
import { ENROLMENT_PATH, ENROLMENT_REQUEST_MAX_BYTES, type EnrolmentAnswer } from '#protocol/enrolment.ts';
import { BlindsightError, type ErrorCode } from '#protocol/errors.ts';
import type { Clock } from '#runtime/clock.ts';
import { Crowd } from '#runtime/crowd.ts';
import type { Logger } from '#runtime/log.ts';
import { RareLines } from '#runtime/rare-lines.ts';
import type { Site } from '../site.ts';
import { listenAddress } from './broker-certificate.ts';
import { type EnrolmentPlaces, enrolmentHosts } from './enrolment-hosts.ts';
import { openAuthority } from './open-authority.ts';

export type EnrolmentServerOptions = {
  readonly site: Pick<Site, 'store' | 'vault'>;
  readonly config: EnrolmentPlaces;
  readonly settings: NonNullable<BackendConfig['enrolment']>;
  /** Decides about a request. */
  readonly accept: (wire: Uint8Array) => Promise<EnrolmentAnswer>;
  /** How long a handshake, or a request, may take; a request is 500 bytes and comes at once. */
  readonly requestMs?: number;
  readonly clock: Clock;
  readonly log: Logger;
};

/** The certificate lives a week, with a key that is never on disk, and is made anew long before: nobody needs to revoke one. */
const CERTIFICATE_DAYS = 7;
const RENEW_MS = 2 * 24 * 3_600_000;
const RETRY_MS = 60_000;
const REQUEST_MS = 10_000;
/** Where there are more, the oldest gives way. */
const CONNECTIONS = { perAddress: 8, total: 64 };
const REQUESTS_PER_MINUTE = 120;
const REQUESTS_PER_ADDRESS = 20;

/**
 * Takes requests of gateways that make their keys themselves: one path, one small body, a certificate or a reason back. Whoever connects shows no
 * certificate; what counts is the invitation in the request. Where its port is taken, it tries again each minute, and the backend runs without it.
 */
export class EnrolmentServer {
  readonly #options: EnrolmentServerOptions;
  readonly #rare: RareLines;
  readonly #crowd: Crowd;
  #minute = { number: -1, all: 0, byAddress: new Map<string, number>() };
  #server: Server | null = null;

  constructor(options: EnrolmentServerOptions) {
    this.#options = options;
    this.#rare = new RareLines(options.clock);
    this.#crowd = new Crowd(CONNECTIONS, (address) => {
      const count = this.#rare.take('crowd');
      if (count > 0)
        options.log.warn(
          { address, count },
          'too many connections to be enrolled: the oldest had to give way',
        );
    });
  }

  /** Null while it does not listen. */
  get port(): number | null {
    return (this.#server?.address() as AddressInfo | null)?.port ?? null;
  }

  /** Serves until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#options;
    let said = '';
    while (!signal.aborted) {
      let pause = RENEW_MS;
      try {
        await this.#renew();
        if (said !== '') log.info('gateways can be enrolled again');
        said = '';
      } catch (error) {
        pause = RETRY_MS;
        const text = error instanceof Error ? error.message : String(error);
        if (text !== said)
          log.error({ code: 'ENROLMENT_OFF' }, `no gateway can be enrolled over the network: ${text}`);
        said = text;
      }
      await clock.sleep(pause, signal).catch(() => {});
    }
    await this.close();
  }

  async close(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    if (server === null) return;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeAllConnections();
    await closed;
  }

  async #renew(): Promise<void> {
    const { site, config, settings, log } = this.#options;
    const hosts = await enrolmentHosts(config);
    const authority = await openAuthority(site.store, site.vault);
    const issued = await authority.issue({
      kind: 'enrolment',
      commonName: 'enrolment',
      subjectAltNames: hosts,
      days: CERTIFICATE_DAYS,
    });
    // With the authority: a gateway that has nothing but the fingerprint takes it from here.
    const context = { cert: issued.certificate + authority.certificate, key: issued.key };
    if (this.#server !== null) return this.#server.setSecureContext(context);
    const host = settings.host ?? listenAddress(hosts);
    this.#server = await this.#listen(context, host, settings.port);
    log.info({ host, port: this.port }, 'gateways can be enrolled');
  }

  #listen(context: { cert: string; key: string }, host: string, port: number): Promise<Server> {
    const { requestMs = REQUEST_MS } = this.#options;
    const server = createServer(
      {
        ...context,
        minVersion: 'TLSv1.3',
        handshakeTimeout: requestMs,
        headersTimeout: requestMs,
        requestTimeout: requestMs,
        connectionsCheckingInterval: 1_000,
        keepAliveTimeout: 1,
        maxHeaderSize: 4_096,
      },
      (request, response) => void this.#answer(request, response),
    );
    server.on('connection', (socket: Socket) => this.#admit(socket));
    // Scanners, and gateways that do not believe us: each tells its owner itself.
    server.on('tlsClientError', () => {});
    server.on('clientError', (_error, socket) => socket.destroy());
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, host, () => {
        server.off('error', reject);
        server.on('error', (error) => this.#options.log.warn({ err: error }, 'the enrolment server failed'));
        resolve(server);
      });
    });
  }

  /** Neither one address nor all together may keep others out, and nobody may stay for long. */
  #admit(socket: Socket): void {
    this.#crowd.enter(socket);
    const timer = setTimeout(() => socket.destroy(), 2 * (this.#options.requestMs ?? REQUEST_MS)).unref();
    socket.once('close', () => clearTimeout(timer));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { accept, log } = this.#options;
    const from = request.socket.remoteAddress ?? '?';
    response.setHeader('connection', 'close');
    try {
      if (request.method !== 'POST' || request.url !== ENROLMENT_PATH) {
        throw new BlindsightError(
          'ENROLMENT_INVALID',
          'this port takes requests to be enrolled, and nothing else',
        );
      }
      if (!this.#take(from))
        throw new BlindsightError('ENROLMENT_BUSY', 'too many requests; try again in a minute');
      const answer = await accept(await readBody(request));
      log.info({ gateway: answer.gateway, from }, 'a gateway was enrolled');
      send(response, 200, answer);
    } catch (error) {
      if (request.destroyed && !request.complete) return;
      this.#refuse(response, error, from);
    }
  }

  #refuse(response: ServerResponse, error: unknown, from: string): void {
    const { log } = this.#options;
    if (error instanceof BlindsightError && error.code in STATUS) {
      const count = this.#rare.take(error.code);
      if (count > 0)
        log.warn({ code: error.code, from, count }, `refused to enrol a gateway: ${error.message}`);
      send(response, STATUS[error.code]!, { error: { code: error.code, message: error.message } });
      return;
    }
    const reference = randomUUID();
    log.error({ err: error, reference }, 'a gateway could not be enrolled');
    const code: ErrorCode = 'ENROLMENT_FAILED';
    const message = `the site could not enrol the gateway; its log says why (${reference})`;
    send(response, 500, { error: { code, message } });
  }

  /** @returns false if the requests of this minute are used up. */
  #take(from: string): boolean {
    const number = Math.floor(this.#options.clock.monotonic() / 60_000);
    if (this.#minute.number !== number) this.#minute = { number, all: 0, byAddress: new Map() };
    const { all, byAddress } = this.#minute;
    const own = byAddress.get(from) ?? 0;
    if (all >= REQUESTS_PER_MINUTE || own >= REQUESTS_PER_ADDRESS) return false;
    this.#minute.all++;
    byAddress.set(from, own + 1);
    return true;
  }
}

const STATUS: Partial<Record<ErrorCode, number>> = {
  ENROLMENT_INVALID: 400,
  ENROLMENT_KEY: 422,
  ENROLMENT_NAME: 422,
  INVITATION_SITE: 422,
  INVITATION_UNKNOWN: 403,
  INVITATION_USED: 403,
  INVITATION_EXPIRED: 403,
  GATEWAY_EXISTS: 409,
  GATEWAY_NOT_FOUND: 409,
  ENROLMENT_BUSY: 429,
};

async function readBody(request: IncomingMessage): Promise<Uint8Array> {
  const parts: Buffer[] = [];
  let length = 0;
  // Before anything is read; one that does not say its length is cut off below.
  if (Number(request.headers['content-length'] ?? 0) > ENROLMENT_REQUEST_MAX_BYTES) throw tooLong();
  for await (const part of request as AsyncIterable<Buffer>) {
    length += part.length;
    if (length > ENROLMENT_REQUEST_MAX_BYTES) throw tooLong();
    parts.push(part);
  }
  return new Uint8Array(Buffer.concat(parts));
}

function tooLong(): BlindsightError {
  return new BlindsightError(
    'ENROLMENT_INVALID',
    `a request of more than ${ENROLMENT_REQUEST_MAX_BYTES} bytes`,
  );
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(JSON.stringify(body));
}
