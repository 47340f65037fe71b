import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { extname, join, normalize } from 'node:path';
import type { History, SessionView, SiteState } from '#protocol/api.ts';
import type { Result } from '#protocol/messages.ts';
import type { Role } from '#protocol/roles.ts';
import { SiteChanges } from '#protocol/site-change.ts';
import { emptyHistory } from '#protocol/thin-history.ts';
import { freePort } from '#runtime/ports.ts';
import { historyKey } from '../site/site-model.ts';
import { FakeCommands } from './fake-commands.ts';
import { FakeRecords } from './fake-records.ts';
import { FakeSettings } from './fake-settings.ts';
import { siteOf } from './fixtures.ts';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
};

/** The policy that the real backend sends: files of the own origin and nothing inline. */
const POLICY = "default-src 'self'";

export type FakeSiteOptions = {
  readonly pageFolder: string;
  /** When given, the API wants a session first. */
  readonly token?: string;
};

/**
 * A backend in the size of a test: serves the built page and an API that says what the test tells it to, events
 * included. It can go away and come back on the same port.
 */
export class FakeSite {
  site: SiteState = siteOf();
  /** While true the page is served, but every API call fails, as behind a proxy whose backend is down. */
  failing = false;
  /** By `historyKey`. */
  histories = new Map<string, History>();
  /** Of whoever is let in. */
  role: Role = 'owner';
  /** Of gateways. */
  readonly settings = new FakeSettings();
  readonly commands = new FakeCommands();
  readonly records = new FakeRecords();
  /** Addresses of whatever else was told it to do. */
  readonly acts: string[] = [];
  /** What is answered to whoever asks for new keys. */
  rekey: { readonly status: number; readonly body: unknown } = { status: 404, body: {} };
  readonly #options: FakeSiteOptions;
  #server: Server | null = null;
  #port = 0;
  /** Part of the session cookie; counting on ends every session. */
  #sessionNumber = 1;
  readonly #changes = new SiteChanges();
  readonly #streams = new Set<ServerResponse>();

  constructor(options: FakeSiteOptions) {
    this.#options = options;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/`;
  }

  /** How many pages listen to events now. */
  get listeners(): number {
    return this.#streams.size;
  }

  async start(): Promise<void> {
    const server = createServer((request, response) => void this.#answer(request, response));
    // None that the browser may be given for a connection while this site is away.
    if (this.#port === 0) this.#port = await freePort(0);
    server.listen(this.#port, '127.0.0.1');
    await once(server, 'listening');
    this.#server = server;
  }

  async stop(): Promise<void> {
    const server = this.#server;
    if (server === null) return;
    this.#server = null;
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
    this.#streams.clear();
  }

  /** Replaces the state and tells every listener. */
  setState(site: SiteState): void {
    this.site = site;
    this.#send('change', this.#changes.next(site));
  }

  /** Ends every session, and with it every event stream, as a backend does that was given a new token. */
  endSessions(): void {
    this.#sessionNumber++;
    for (const stream of this.#streams) stream.end();
  }

  sendResult(result: Result): void {
    this.#send('result', result);
  }

  #send(event: string, data: unknown): void {
    for (const stream of this.#streams) stream.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '/', this.url);
    if (!pathname.startsWith('/api/')) return this.#servePage(pathname, response);
    if (this.failing) return sendJson(response, 503, { error: 'away' });
    if (pathname === '/api/session' && request.method === 'GET')
      return sendJson(response, 200, this.#sessionOf(request));
    if (pathname === '/api/session') return this.#openSession(request, response);
    if (!this.#isLetIn(request)) return sendJson(response, 401, { error: 'token' });
    if (pathname === '/api/state') return sendJson(response, 200, this.site);
    if (pathname === '/api/events') return this.#openStream(response);
    const method = request.method ?? 'GET';
    const body = await bodyOf(request);
    const known =
      this.records.answer(method, pathname, searchParams, body) ??
      this.settings.answer(method, pathname, searchParams, body) ??
      this.commands.answer(method, pathname, body);
    if (known !== null) return sendJson(response, known.status, known.body);
    if (method === 'POST') this.acts.push(pathname);
    if (pathname.endsWith('/rekey')) return sendJson(response, this.rekey.status, this.rekey.body);
    const camera = /^\/api\/cameras\/([^/]+)\/history$/.exec(pathname)?.[1];
    if (camera === undefined) return sendJson(response, 404, {});
    const region = searchParams.get('region') ?? undefined;
    const name = decodeURIComponent(camera);
    const history = this.histories.get(historyKey(name, region)) ?? emptyHistory(name, region);
    return sendJson(response, 200, history);
  }

  #openStream(response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    response.write(`event: state\ndata: ${JSON.stringify(this.site)}\n\n`);
    this.#send('change', this.#changes.next(this.site));
    this.#streams.add(response);
    response.on('close', () => this.#streams.delete(response));
  }

  get #cookie(): string {
    return `session=open-${this.#sessionNumber}`;
  }

  #isLetIn(request: IncomingMessage): boolean {
    return this.#options.token === undefined || (request.headers.cookie ?? '').includes(this.#cookie);
  }

  #sessionOf(request: IncomingMessage): SessionView {
    const owner = { role: this.role, name: 'token:file' };
    const way = this.#options.token === undefined ? 'this machine' : 'session';
    const person = this.#isLetIn(request) ? { ...owner, way } : null;
    return { person: person as SessionView['person'], logIn: { password: false, token: true } };
  }

  async #openSession(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { token } = (await bodyOf(request)) as { token: string };
    if (token !== this.#options.token) return sendJson(response, 401, { error: 'token' });
    response.setHeader('set-cookie', `${this.#cookie}; HttpOnly; SameSite=Strict; Path=/`);
    response.writeHead(204).end();
  }

  async #servePage(pathname: string, response: ServerResponse): Promise<void> {
    const name = pathname === '/' ? 'index.html' : normalize(pathname).replace(/^\/+/, '');
    try {
      const body = await readFile(join(this.#options.pageFolder, name));
      response.writeHead(200, {
        'content-type': TYPES[extname(name)] ?? 'application/octet-stream',
        'content-security-policy': POLICY,
        'x-content-type-options': 'nosniff',
      });
      response.end(body);
    } catch {
      response.writeHead(404).end();
    }
  }
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString('utf8');
  return text === '' ? undefined : JSON.parse(text);
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(JSON.stringify(body));
}
