import { SessionCounter } from '#agent/uplink/session-counter.ts';
import { Uplink } from '#agent/uplink/uplink.ts';
import { envelopeDigest } from '#protocol/envelope.ts';
import { gatewayTopics } from '#protocol/topics.ts';
import { systemClock as clock } from '#runtime/clock.ts';
import { connectLink, type LinkCredentials } from '#runtime/link.ts';
import type { Logger } from '#runtime/log.ts';
import { answersOnly } from './answers-only.ts';
import { cameraOf, type Signer, simulatedEnvelope } from './simulated-envelope.ts';

/** What makes a gateway of the site. */
export type GatewayIdentity = Signer & {
  /** Where it keeps its session number. */
  readonly folder: string;
  readonly credentials: LinkCredentials;
};

/** An answer in a gateway's hand, until its receipt. */
type Waiting = { readonly wire: Uint8Array; sentMs: number | null };

/** Answers without receipt at a time, as a gateway's own sender has it. */
const WINDOW = 32;
/** As it has this, too. */
const RESEND_MS = 60_000;

/**
 * A gateway without camera and network: all that it sends and receives beside answers is the real uplink's, and its answers are real ciphertexts, under numbers,
 * times and a signature of their own. It keeps them in memory until their receipt, and sends them again on each new connection, and after a minute without one.
 */
export class SimulatedGateway {
  readonly name: string;
  readonly camera: string;
  /** Places that were given to answers: session and sequence. */
  readonly offered: string[] = [];
  /** Bytes of all answers that were offered, with their topics. */
  bytes = 0;
  readonly #identity: GatewayIdentity;
  readonly #sessions: SessionCounter;
  readonly #uplink: Uplink;
  readonly #waiting = new Map<string, Waiting>();
  #isLive = false;

  private constructor(identity: GatewayIdentity, url: string, sessions: SessionCounter, log: Logger) {
    const { site, name, bundle, credentials } = identity;
    this.name = name;
    this.camera = cameraOf(identity);
    this.#identity = identity;
    this.#sessions = sessions;
    this.#uplink = new Uplink({
      ...{ site, gateway: name, sessions, clock, log },
      connect: (will) => connectLink({ ...credentials, url, clientId: name, clock, log, will }),
      ...answersOnly('bench', this.camera, bundle),
      onUp: () => {},
      onBackend: (session) => this.#backendChanged(session !== null),
      onReceipt: (digests) => this.#received(digests),
    });
  }

  /** @param url of the broker, which it connects to from now on */
  static async start(identity: GatewayIdentity, url: string, log: Logger): Promise<SimulatedGateway> {
    const sessions = await SessionCounter.open(identity.folder, clock);
    return new SimulatedGateway(identity, url, sessions, log);
  }

  /** Connected, and its backend is there: answers leave. */
  get isLive(): boolean {
    return this.#isLive;
  }

  /** How many answers have no receipt. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Offers an answer about now. */
  offer(ciphertext: Uint8Array): void {
    const ticket = this.#sessions.take();
    const wire = simulatedEnvelope(this.#identity, ticket, Date.now(), ciphertext);
    this.offered.push(`${ticket.session}/${ticket.sequence}`);
    this.bytes += wire.length + this.#topic.length;
    this.#waiting.set(envelopeDigest(wire), { wire, sentMs: null });
    this.#send();
  }

  /** Sends again what has waited long for its receipt. */
  remind(): void {
    if (this.waiting > 0) this.#send();
  }

  close(): Promise<void> {
    return this.#uplink.close();
  }

  get #topic(): string {
    return gatewayTopics(this.#identity.site, this.name).inference(this.camera);
  }

  #backendChanged(isThere: boolean): void {
    this.#isLive = isThere;
    for (const one of this.#waiting.values()) one.sentMs = null;
    this.#send();
  }

  #received(digests: readonly string[]): void {
    for (const digest of digests) this.#waiting.delete(digest);
    this.#send();
  }

  #send(): void {
    if (!this.#isLive) return;
    let flying = 0;
    for (const one of this.#waiting.values()) {
      if (++flying > WINDOW) return;
      if (one.sentMs !== null && Date.now() - one.sentMs < RESEND_MS) continue;
      one.sentMs = Date.now();
      // Without its receipt it is sent again on the next connection.
      this.#uplink.link.publish(this.#topic, one.wire, { qos: 0 }).catch(() => {});
    }
  }
}
