import { createPublicKey, generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { CertificateKeeper } from '#agent/certificate/certificate-keeper.ts';
import type { Authority } from '#backend/enrolment/authority.ts';
import { AgentConfig } from '#config/schema.ts';
import { readRenewal, renewalDigest } from '#protocol/renewal.ts';
import { ensureDirectory, writeFileAtomic } from '#runtime/files.ts';
import type { MessageHandler } from '#runtime/link.ts';
import { createLogger } from '#runtime/log.ts';
import { SimulatedClock } from '#runtime/simulated-clock.ts';

const DAY_MS = 86_400_000;

/** Writes what a gateway has after its enrolment: authority, certificate, key. */
export async function writeGateway(folder: string, authority: Authority): Promise<void> {
  await ensureDirectory(folder);
  const { certificate, key } = await authority.issue({ kind: 'gateway', commonName: 'gate-1', days: 365 });
  await writeFileAtomic(join(folder, 'ca.pem'), authority.certificate);
  await writeFileAtomic(join(folder, 'gateway.pem'), certificate);
  await writeFileAtomic(join(folder, 'gateway.key'), key, { mode: 0o600 });
}

/** The keeper of a gateway, on a link that hands each request to whoever `answer` is. */
export class RenewingGateway {
  readonly keeper: CertificateKeeper;
  readonly clock: SimulatedClock;
  readonly lines: string[];
  reconnects = 0;
  /** Requests that were sent. */
  readonly requests: Uint8Array[] = [];
  readonly signingKey: KeyObject;
  readonly #handlers: MessageHandler[] = [];
  readonly #ups: (() => void | Promise<void>)[] = [];

  private constructor(
    keeper: CertificateKeeper,
    clock: SimulatedClock,
    signingKey: KeyObject,
    lines: string[],
  ) {
    this.keeper = keeper;
    this.clock = clock;
    this.signingKey = signingKey;
    this.lines = lines;
    keeper.connect({
      connected: true,
      publish: async (_topic, payload) => void this.requests.push(payload as Uint8Array),
      reconnect: () => {
        this.reconnects++;
      },
      subscribe: (_filter, handler) => {
        this.#handlers.push(handler);
        return () => {};
      },
      onUp: (handler) => {
        this.#ups.push(handler);
        return () => {};
      },
    });
  }

  static async open(folder: string): Promise<RenewingGateway> {
    const file = (name: string) => join(folder, name);
    const clock = new SimulatedClock(Date.now());
    const lines: string[] = [];
    const destination = { write: (line: string) => void lines.push(line) };
    const { privateKey } = generateKeyPairSync('ed25519');
    const config = AgentConfig.parse({
      site: 'town',
      gateway: 'gate-1',
      data: folder,
      broker: {
        url: 'mqtts://localhost:1',
        ...{ ca: file('ca.pem'), certificate: file('gateway.pem'), key: file('gateway.key') },
      },
      identity: { signingKey: 's', ownerKey: 'o' },
    });
    const log = createLogger({ name: 'agent', level: 'info', format: 'json', destination });
    const keeper = await CertificateKeeper.open({ config, signingKey: privateKey, clock, log });
    return new RenewingGateway(keeper, clock, privateKey, lines);
  }

  /** To `days` before its certificate ends. */
  async age(days: number): Promise<void> {
    const ms = this.keeper.endMs - days * DAY_MS - this.clock.now();
    if (ms > 0) await this.clock.advance(ms);
  }

  /** The link comes up: whatever is due is asked for. @returns the request, or null */
  async linkUp(): Promise<Uint8Array | null> {
    const before = this.requests.length;
    for (const up of this.#ups) await up();
    await this.settled();
    return this.requests.length > before ? this.requests.at(-1)! : null;
  }

  /** What the site answers to a request. */
  async receive(request: Uint8Array, certificate: string | null, error: object | null = null): Promise<void> {
    const message = { request: renewalDigest(request), certificate, error };
    for (const handler of this.#handlers)
      handler('topic', Buffer.from(JSON.stringify(message)), { retain: false, dup: false, qos: 1 });
    await this.settled();
  }

  /** Everything that was begun has ended. */
  async settled(): Promise<void> {
    const stopped = new AbortController();
    stopped.abort();
    await this.keeper.run(stopped.signal);
  }

  /** What an honest site issues for a request, good until a year after `fromMs`. */
  async certify(authority: Authority, request: Uint8Array, fromMs: number): Promise<string> {
    const { certificate } = readRenewal(request, createPublicKey(this.signingKey));
    return authority.renew({
      kind: 'gateway',
      commonName: 'gate-1',
      certificate: new X509Certificate(certificate).toString(),
      days: 365,
      fromMs,
    });
  }
}
