import type { AddressInfo } from 'node:net';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';

export type ReceivedMail = {
  readonly to: readonly string[];
  readonly text: string;
  readonly isSecure: boolean;
  readonly user: string | null;
};

/** A real SMTP server that keeps what it receives. */
export class MailServer {
  readonly received: ReceivedMail[] = [];
  /** Passwords that anybody sent. */
  readonly passwords: string[] = [];
  readonly #server: SMTPServer;

  private constructor(options: SMTPServerOptions) {
    this.#server = new SMTPServer({
      authOptional: true,
      logger: false,
      onAuth: ({ username, password }, _session, answer) => {
        this.passwords.push(password ?? '');
        if (password === 'right horse') answer(null, { user: username ?? '' });
        else answer(new Error(`no user ${username} with ${password}`));
      },
      onData: (stream, session, answer) => {
        const chunks: Buffer[] = [];
        stream.on('data', (chunk: Buffer) => chunks.push(chunk));
        stream.on('end', () => {
          this.received.push({
            to: session.envelope.rcptTo.map(({ address }) => address),
            text: Buffer.concat(chunks).toString('utf8'),
            isSecure: session.secure,
            user: typeof session.user === 'string' ? session.user : null,
          });
          answer(null);
        });
      },
      ...options,
    });
    // A client that finds the certificate wrong breaks the connection.
    this.#server.on('error', () => {});
  }

  static async start(options: SMTPServerOptions): Promise<MailServer> {
    const made = new MailServer(options);
    await new Promise<void>((done) => made.#server.listen(0, 'localhost', done));
    return made;
  }

  get port(): number {
    return (this.#server.server.address() as AddressInfo).port;
  }

  close(): Promise<void> {
    return new Promise((done) => this.#server.close(() => done()));
  }
}
