import { CHUNK_BYTES, type Chunk, encodeChunk } from '#protocol/chunk.ts';
import { BUNDLE_PARTS, decodeManifest } from '#protocol/manifest.ts';
import { ChunkRequest } from '#protocol/messages.ts';
import { parseMessage } from '#protocol/parse-message.ts';
import { decodeSoftware, SOFTWARE_PART } from '#protocol/software.ts';
import { gatewayTopics } from '#protocol/topics.ts';
import type { Clock } from '#runtime/clock.ts';
import type { Link, MessageHandler } from '#runtime/link.ts';
import type { Logger } from '#runtime/log.ts';
import { MinuteBudget } from '#runtime/minute-budget.ts';
import type { BlobFolder } from '../store/blob-folder.ts';
import type { Store } from '../store/store.ts';

export type ChunkServerOptions = {
  readonly store: Store;
  readonly blobs: BlobFolder;
  readonly site: string;
  readonly link: Pick<Link, 'publish'>;
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly log: Logger;
};

/** Requests of one gateway that wait; a newer one replaces the oldest, and the gateway asks again for what it misses. */
const MAX_WAITING = 4;
/** Chunks on their way to the broker at once, for each gateway. */
const WINDOW = 4;
const REQUEST_MAX_BYTES = 1024;

/**
 * Answers chunk requests. A gateway gets pieces of bundles and software that were released to it, and nothing else; at most one request
 * of each gateway is served at a time, so that one that asks without end slows down only itself.
 */
export class ChunkServer {
  readonly #options: ChunkServerOptions;
  readonly #budget: MinuteBudget;
  readonly #waiting = new Map<string, ChunkRequest[]>();
  readonly #busy = new Map<string, Promise<void>>();

  constructor(options: ChunkServerOptions) {
    this.#options = options;
    this.#budget = new MinuteBudget(options.clock);
  }

  /** Handler of the `bundle/request` topics. */
  readonly receive: MessageHandler = (topic, payload, packet) => {
    const gateway = topic.split('/')[3];
    if (gateway === undefined || packet.retain) return;
    let request: ChunkRequest;
    try {
      request = parseMessage(ChunkRequest, payload, REQUEST_MAX_BYTES);
    } catch (error) {
      this.#complain(gateway, { err: error }, 'a request for chunks is malformed');
      return;
    }
    const queue = this.#waiting.get(gateway) ?? [];
    queue.push(request);
    if (queue.length > MAX_WAITING) queue.shift();
    this.#waiting.set(gateway, queue);
    if (!this.#busy.has(gateway)) {
      this.#busy.set(
        gateway,
        this.#serveAll(gateway).finally(() => this.#busy.delete(gateway)),
      );
    }
  };

  /** Forgets what waits and resolves when nothing is being sent any more. */
  async close(): Promise<void> {
    this.#waiting.clear();
    await this.idle();
  }

  /** Resolves when no request waits or is being served. */
  async idle(): Promise<void> {
    while (this.#busy.size > 0) await Promise.all(this.#busy.values());
  }

  async #serveAll(gateway: string): Promise<void> {
    for (;;) {
      const request = this.#waiting.get(gateway)?.shift();
      if (request === undefined) return;
      try {
        await this.#serve(gateway, request);
      } catch (error) {
        // The gateway asks again; it has a timer of its own.
        this.#complain(gateway, { err: error }, 'chunks could not be sent');
      }
    }
  }

  #complain(gateway: string, fields: object, message: string): void {
    if (this.#budget.take(gateway)) this.#options.log.warn({ gateway, ...fields }, message);
  }

  async #serve(gateway: string, request: ChunkRequest): Promise<void> {
    const { store, blobs, site, link } = this.#options;
    const isEnrolled = (await store.gateways.get(gateway)) !== null;
    const part = isEnrolled ? await this.#findPart(gateway, request) : null;
    if (part === null) {
      this.#complain(
        gateway,
        { part: request.part },
        'asked for a part of something that was not released to it',
      );
      return;
    }
    const count = Math.ceil(part.bytes / CHUNK_BYTES);
    const last = Math.min(request.from + request.count, count);
    const topic = gatewayTopics(site, gateway).bundleChunk;
    // In order, because gateways write them as they come; a few are under way before the first is acknowledged.
    const underWay: Promise<void>[] = [];
    for (let number = request.from; number < last; number++) {
      const data = await blobs.read(part.sha256, number * CHUNK_BYTES, CHUNK_BYTES);
      const sent = link.publish(
        topic,
        encodeChunk({ bundle: request.bundle, part: part.name, number, data }),
      );
      sent.catch(() => {});
      underWay.push(sent);
      if (underWay.length >= WINDOW) await underWay.shift();
    }
    await Promise.all(underWay);
  }

  /** The part of a bundle or of software, if that was released to this gateway. */
  async #findPart(
    gateway: string,
    request: ChunkRequest,
  ): Promise<{ readonly name: Chunk['part']; readonly bytes: number; readonly sha256: string } | null> {
    const { store } = this.#options;
    if (request.part === SOFTWARE_PART) {
      const release = await store.software.getRelease(request.bundle);
      if (release === null || release.gateway !== gateway) return null;
      return { name: SOFTWARE_PART, ...decodeSoftware(release.manifest).manifest.archive };
    }
    const name = BUNDLE_PARTS.find((part) => part === request.part);
    const deployment = await store.deployments.get(request.bundle);
    if (name === undefined || deployment === null || deployment.gateway !== gateway) return null;
    return decodeManifest(deployment.manifest).manifest.parts.find((one) => one.name === name) ?? null;
  }
}
