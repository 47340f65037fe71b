import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';

export type Received = {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
};

/** How a receiver answers; by default with 204. */
export type Behavior = (received: Received, response: ServerResponse) => void | Promise<void>;

/** A real HTTP server that keeps what it receives. */
export class Receiver {
  readonly received: Received[] = [];
  behavior: Behavior = (_received, response) => void response.writeHead(204).end();
  readonly #server: Server;
  readonly #scheme: string;

  private constructor(server: Server, scheme: string) {
    this.#server = server;
    this.#scheme = scheme;
  }

  /** @param tls PEM; without it the server speaks HTTP */
  static async start(tls?: { readonly cert: string; readonly key: string }, port = 0): Promise<Receiver> {
    const server = tls === undefined ? createServer() : createSecureServer(tls);
    const receiver = new Receiver(server, tls === undefined ? 'http' : 'https');
    server.on('request', (request, response) => {
      const chunks: Buffer[] = [];
      request.on('error', () => {}).on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', () => {});
      request.on('end', () => {
        const { method = '', url: path = '', headers } = request;
        const received = { method, path, headers, body: Buffer.concat(chunks).toString('utf8') };
        receiver.received.push(received);
        void receiver.behavior(received, response);
      });
    });
    await new Promise<void>((done) => server.listen(port, 'localhost', done));
    return receiver;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** @param host under which this machine is called */
  url(path = '/', host = 'localhost'): string {
    return `${this.#scheme}://${host}:${this.port}${path}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((done) => this.#server.close(done));
  }
}
