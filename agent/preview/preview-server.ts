import { createHash, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Logger } from '#runtime/log.ts';
import type { MaskedFrame } from '../privacy/privacy-filter.ts';
import { PreviewStream } from './preview-stream.ts';

export type PreviewOptions = {
  readonly port: number;
  /** What a viewer must send as `Authorization: Bearer …`. */
  readonly token: string;
  readonly cameras: readonly string[];
  readonly ffmpegPath: string;
  readonly log: Logger;
};

const MAX_VIEWERS = 4;
/** A viewer that cannot follow is let go before it costs memory. */
const MAX_BEHIND_BYTES = 4 * 2 ** 20;

/**
 * Shows cameras to the person who aims them, after the masks: `GET /<camera>` on the loopback interface only, with a token.
 * A picture is only converted while somebody watches.
 */
export class PreviewServer {
  readonly #options: PreviewOptions;
  readonly #server: Server;
  readonly #streams = new Map<string, PreviewStream>();

  private constructor(options: PreviewOptions) {
    this.#options = options;
    this.#server = createServer((request, response) => this.#serve(request, response));
  }

  /** @throws Error where the port is taken */
  static async start(options: PreviewOptions): Promise<PreviewServer> {
    const preview = new PreviewServer(options);
    preview.#server.listen(options.port, '127.0.0.1');
    await once(preview.#server, 'listening');
    return preview;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  isWatched(camera: string): boolean {
    return this.#streams.has(camera);
  }

  show(camera: string, frame: MaskedFrame): void {
    this.#streams.get(camera)?.show(frame);
  }

  async close(): Promise<void> {
    for (const stream of this.#streams.values()) stream.close();
    this.#streams.clear();
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    const camera = request.url?.slice(1) ?? '';
    const refusal = this.#refusal(request, camera);
    if (refusal !== null) {
      response.writeHead(refusal.status).end(`${refusal.text}\n`);
      return;
    }
    let stream = this.#streams.get(camera);
    if (stream === undefined || stream.failed) {
      stream?.close();
      stream = new PreviewStream(this.#options.ffmpegPath);
      this.#streams.set(camera, stream);
    }
    this.#options.log.info({ camera }, 'somebody watches the preview');
    response.writeHead(200, { 'Content-Type': 'video/mp2t', 'Cache-Control': 'no-store' });
    response.flushHeaders();
    const leave = stream.watch((data) => {
      if (response.writableLength > MAX_BEHIND_BYTES) response.destroy();
      else response.write(data);
    });
    const watched = stream;
    response.once('close', () => {
      leave();
      if (watched.viewers > 0) return;
      watched.close();
      if (this.#streams.get(camera) === watched) this.#streams.delete(camera);
    });
  }

  #refusal(request: IncomingMessage, camera: string): { status: number; text: string } | null {
    if (!this.#isAllowed(request)) return { status: 401, text: 'send the token as Authorization: Bearer …' };
    if (request.method !== 'GET') return { status: 405, text: 'GET only' };
    if (!this.#options.cameras.includes(camera)) return { status: 404, text: 'no such camera' };
    const viewers = [...this.#streams.values()].reduce((sum, stream) => sum + stream.viewers, 0);
    return viewers < MAX_VIEWERS ? null : { status: 503, text: `at most ${MAX_VIEWERS} viewers` };
  }

  /** Digests are compared, so that neither length nor content of the token shows in the time that it takes. */
  #isAllowed(request: IncomingMessage): boolean {
    const digest = (text: string) => createHash('sha256').update(text).digest();
    const given = request.headers.authorization ?? '';
    return timingSafeEqual(digest(given), digest(`Bearer ${this.#options.token}`));
  }
}
