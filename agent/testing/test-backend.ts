import type { z } from 'zod';
import { CHUNK_BYTES, type Chunk, encodeChunk } from '#protocol/chunk.ts';
import { decodeEnvelope, type Envelope, envelopeDigest, verifyEnvelope } from '#protocol/envelope.ts';
import {
  Birth,
  CameraState,
  ChunkRequest,
  GatewayState,
  Health,
  LogEvent,
  Reported,
} from '#protocol/messages.ts';
import { parseMessage } from '#protocol/parse-message.ts';
import { softwareDigest } from '#protocol/software.ts';
import { gatewayTopics, siteTopics } from '#protocol/topics.ts';
import { systemClock } from '#runtime/clock.ts';
import { connectLink, type Link } from '#runtime/link.ts';
import { createLogger } from '#runtime/log.ts';
import { RetryLadder } from '#runtime/retry.ts';
import type { TestBundle } from './make-bundle.ts';
import type { TestSite } from './test-site.ts';

const topics = gatewayTopics('town', 'gate-1');
const STATE = siteTopics('town').backendState;

/** A backend as a gateway sees it: says that it is there, serves chunks, gives receipts. Checks every message. */
export class TestBackend {
  readonly births: Birth[] = [];
  readonly states: GatewayState[] = [];
  readonly cameras: CameraState[] = [];
  readonly health: Health[] = [];
  readonly events: LogEvent[] = [];
  readonly reports: Reported[] = [];
  readonly requests: ChunkRequest[] = [];
  readonly envelopes: Envelope[] = [];
  /** Whether answers are confirmed. */
  receipts = true;
  readonly #link: Link;
  /** Parts of bundles and of releases of software, by digest of their manifest. */
  readonly #parts = new Map<string, Readonly<Record<string, Uint8Array>>>();
  #session = 0;

  private constructor(site: TestSite, link: Link) {
    this.#link = link;
    const collect = <T>(topic: string, schema: z.ZodType<T>, list: T[]) =>
      link.subscribe(topic, (_, payload) => list.push(parseMessage(schema, payload)));
    // A retained birth is an old one that the broker kept.
    link.subscribe(topics.birth, (_, payload, packet) => {
      if (!packet.retain) this.births.push(parseMessage(Birth, payload));
    });
    collect(topics.state, GatewayState, this.states);
    link.subscribe(topics.cameraState('+'), (_, payload) => {
      // Empty where a camera is gone.
      if (payload.length > 0) this.cameras.push(parseMessage(CameraState, payload));
    });
    collect(topics.health, Health, this.health);
    collect(topics.log, LogEvent, this.events);
    collect(topics.reported, Reported, this.reports);
    link.subscribe(topics.bundleRequest, (_, payload) => this.#serve(parseMessage(ChunkRequest, payload)));
    link.subscribe(topics.inference('+'), (_, payload) => {
      const decoded = decodeEnvelope(payload, 2 ** 20);
      if (!verifyEnvelope(decoded, site.signing.publicKey)) throw new Error('an envelope is not signed');
      this.envelopes.push(decoded.envelope);
      // One that does not get through, as at the end of a test, is asked for again.
      if (this.receipts) this.#say(topics.receipt, { received: [envelopeDigest(payload)] }).catch(() => {});
    });
  }

  static async connect(site: TestSite): Promise<TestBackend> {
    const link = connectLink({
      url: `mqtts://localhost:${site.port}`,
      ...(await site.backendCredentials()),
      clientId: 'backend',
      clock: systemClock,
      log: createLogger({ name: 'backend', level: 'error', format: 'json' }),
      ladder: new RetryLadder([100]),
    });
    const backend = new TestBackend(site, link);
    await new Promise<void>((resolve) => link.onUp(resolve));
    return backend;
  }

  /**
   * Says that the backend is there, or away; subscriptions stay, so that a test sees what comes all the same.
   *
   * @param envelope newest version of envelopes that it takes
   */
  async announce(state: 'online' | 'offline', envelope?: number): Promise<void> {
    if (state === 'online') this.#session++;
    const time = new Date().toISOString();
    await this.#say(STATE, { state, session: this.#session, time, ...(envelope && { envelope }) }, true);
  }

  async deploy(bundle: TestBundle): Promise<void> {
    this.#parts.set(bundle.digest, bundle.parts);
    const { beside, model } = bundle.manifest;
    const topic = beside ? topics.networkManifest(model) : topics.bundleManifest;
    await this.#link.publish(topic, bundle.wire, { retain: true });
  }

  /** Releases software, signed already. */
  async release({
    wire,
    archive,
  }: {
    readonly wire: Uint8Array;
    readonly archive: Uint8Array;
  }): Promise<void> {
    this.#parts.set(softwareDigest(wire), { archive });
    await this.#link.publish(topics.softwareManifest, wire, { retain: true });
  }

  /** Tells the gateway which keys count and what is newest. */
  async trust(wire: Uint8Array): Promise<void> {
    await this.#link.publish(topics.trust, wire, { retain: true });
  }

  /** Pushes a configuration, signed already. */
  async push(wire: Uint8Array): Promise<void> {
    await this.#link.publish(topics.desired, wire, { retain: true });
  }

  async close(): Promise<void> {
    await this.#link.close();
  }

  #serve(request: ChunkRequest): void {
    this.requests.push(request);
    const part = request.part as Chunk['part'];
    const data = this.#parts.get(request.bundle)?.[part];
    for (let number = request.from; data !== undefined && number < request.from + request.count; number++) {
      const piece = data.slice(number * CHUNK_BYTES, (number + 1) * CHUNK_BYTES);
      if (piece.length === 0) return;
      const wire = encodeChunk({ bundle: request.bundle, part, number, data: Uint8Array.from(piece) });
      void this.#link.publish(topics.bundleChunk, wire).catch(() => {});
    }
  }

  async #say(topic: string, message: object, retain = false): Promise<void> {
    await this.#link.publish(topic, JSON.stringify(message), { retain });
  }
}
