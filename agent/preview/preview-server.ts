import { createHash, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Logger } from '#runtime/log.ts';
import { isOwnHost } from '#runtime/own-host.ts';
import type { Rectangle } from '#vision/prepare-picture.ts';
import type { Polygon } from '../privacy/mask.ts';
import type { MaskedFrame } from '../privacy/privacy-filter.ts';
import { PAGE_POLICY, type PageFile, readPreviewPage } from './preview-page.ts';
import { PreviewStream } from './preview-stream.ts';

export type PreviewOptions = {
  readonly port: number;
  /** What a viewer must send as `Authorization: Bearer …`. */
  readonly token: string;
  readonly cameras: readonly PreviewCamera[];
  readonly ffmpegPath: string;
  readonly log: Logger;
  /** Somebody begins to watch a camera, or nobody watches it any more. */
  readonly onWatch?: (camera: string) => void;
};

/** What is drawn over a camera's picture, in fractions of it. */
export type PreviewCamera = {
  readonly name: string;
  /** What the network looks at: one without a name, or several with; none if it sees the whole picture. */
  readonly regions: readonly (Rectangle & { readonly name?: string })[];
  readonly masks: readonly Polygon[];
};

/** Not the name of a camera: those have no dot. */
const CAMERAS = 'cameras.json';
const MAX_VIEWERS = 4;
/** Wrong tokens in a minute after which no token is checked any more. */
const MAX_WRONG = 20;
/** A viewer that cannot keep up is dropped before it costs memory. */
const MAX_BEHIND_BYTES = 4 * 2 ** 20;

/**
 * Shows cameras to the person who aims them, after the masks, on the loopback interface only: a page at `/`, and with the token
 * `/cameras.json` and each camera's stream at `/<camera>`. A picture is only converted while somebody watches.
 */
export class PreviewServer {
  readonly #options: PreviewOptions;
  readonly #server: Server;
  readonly #streams = new Map<string, PreviewStream>();
  readonly #page: ReadonlyMap<string, PageFile>;
  #wrong = { minute: 0, count: 0 };

  private constructor(options: PreviewOptions, page: ReadonlyMap<string, PageFile>) {
    this.#options = options;
    this.#page = page;
    this.#server = createServer((request, response) => this.#serve(request, response));
  }

  /** @throws Error where the port is taken */
  static async start(options: PreviewOptions): Promise<PreviewServer> {
    const preview = new PreviewServer(options, await readPreviewPage());
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
    response.setHeader('Cache-Control', 'no-store');
    response.setHeader('X-Content-Type-Options', 'nosniff');
    response.setHeader('Content-Security-Policy', PAGE_POLICY);
    const path = request.url ?? '/';
    const camera = path.slice(1);
    const refusal = this.#refusal(request, camera);
    if (refusal !== null) {
      response.writeHead(refusal.status, { 'Content-Type': 'text/plain' }).end(`${refusal.text}\n`);
      return;
    }
    const file = this.#page.get(path);
    if (file !== undefined) {
      response.writeHead(200, { 'Content-Type': file.type }).end(file.body);
      return;
    }
    if (camera === CAMERAS) {
      response.writeHead(200, { 'Content-Type': 'application/json' });
      response.end(JSON.stringify(this.#options.cameras));
      return;
    }
    let stream = this.#streams.get(camera);
    if (stream === undefined || stream.failed) {
      stream?.close();
      stream = new PreviewStream(this.#options.ffmpegPath);
      this.#streams.set(camera, stream);
    }
    this.#options.log.info({ camera }, 'somebody is watching the preview');
    response.writeHead(200, { 'Content-Type': 'video/mp2t' });
    response.flushHeaders();
    const leave = stream.watch((data) => {
      if (response.writableLength > MAX_BEHIND_BYTES) response.destroy();
      else response.write(data);
    });
    this.#options.onWatch?.(camera);
    const watched = stream;
    response.once('close', () => {
      leave();
      if (watched.viewers > 0) return;
      watched.close();
      if (this.#streams.get(camera) === watched) this.#streams.delete(camera);
      this.#options.onWatch?.(camera);
    });
  }

  #refusal(request: IncomingMessage, camera: string): { status: number; text: string } | null {
    if (!isOwnHost(request.headers.host)) {
      return { status: 403, text: 'open the preview as localhost or 127.0.0.1' };
    }
    if (request.method !== 'GET') return { status: 405, text: 'GET only' };
    if (this.#page.has(request.url ?? '/')) return null;
    if (this.#isGuessing()) return { status: 429, text: 'too many wrong tokens: wait a minute' };
    if (!this.#isAllowed(request)) {
      this.#wrong.count += 1;
      return { status: 401, text: 'send the token as Authorization: Bearer …' };
    }
    if (camera === CAMERAS) return null;
    if (!this.#options.cameras.some(({ name }) => name === camera))
      return { status: 404, text: 'no such camera' };
    const viewers = [...this.#streams.values()].reduce((sum, stream) => sum + stream.viewers, 0);
    return viewers < MAX_VIEWERS ? null : { status: 503, text: `at most ${MAX_VIEWERS} viewers` };
  }

  #isGuessing(): boolean {
    const minute = Math.floor(performance.now() / 60_000);
    if (minute !== this.#wrong.minute) this.#wrong = { minute, count: 0 };
    return this.#wrong.count >= MAX_WRONG;
  }

  /** Digests are compared, so that the time reveals neither length nor content of the token. */
  #isAllowed(request: IncomingMessage): boolean {
    const digest = (text: string) => createHash('sha256').update(text).digest();
    const given = request.headers.authorization ?? '';
    return timingSafeEqual(digest(given), digest(`Bearer ${this.#options.token}`));
  }
}
