import { type ChildProcess, spawn } from 'node:child_process';
import { Duplex } from 'node:stream';
import { type TpmAddress, tpmEnvironment, tpmFailure, USING } from './openssl.ts';

export type TunnelOptions = {
  /** As sockets take it: no brackets. */
  readonly host: string;
  readonly port: number;
  /** PEM files; `key` is one that only the TPM can use. */
  readonly files: { readonly ca: string; readonly certificate: string; readonly key: string };
  readonly tpm: TpmAddress;
};

const KEPT_TEXT = 8192;

/** What OpenSSL says, in the words of Node's own sockets: the messages about a failed link are made from these. */
const FAULTS: readonly (readonly [pattern: RegExp, said: string])[] = [
  [/Connection refused/, 'connect ECONNREFUSED'],
  [/No route to host/, 'connect EHOSTUNREACH'],
  [/Network is unreachable/, 'connect ENETUNREACH'],
  [/Connection timed out/, 'connect ETIMEDOUT'],
  [/Name or service not known|getaddrinfo|BIO_lookup/, 'getaddrinfo ENOTFOUND'],
  [/hostname mismatch|IP address mismatch/, 'ERR TLS CERT ALTNAME INVALID'],
  [/certificate has expired/, 'cert has expired'],
  [/certificate is not yet valid/, 'cert not yet valid'],
  [/self.signed|unable to get (local )?issuer/, 'unable to verify the certificate'],
];
const ALERT = /SSL routines:[^:]*:(?:sslv3|tlsv1|tlsv13) (alert [a-z ]+)/;
const TPM_TROUBLE = /unable to load provider|tcti|esys|tpm2?:|Could not read|ENOENT/i;

/**
 * A TLS connection whose client key never leaves the TPM: `openssl s_client` makes the handshake, and this is its standard input and output. Node's own
 * TLS cannot use a provider of OpenSSL. Emits `secureConnect` when the other side is known to be the right one.
 */
export class TpmTunnel extends Duplex {
  readonly #child: ChildProcess;
  readonly #tpm: TpmAddress;
  #said = '';
  #isSecure = false;

  constructor({ host, port, files, tpm }: TunnelOptions) {
    super({ allowHalfOpen: false });
    this.#tpm = tpm;
    const isAddress = /^[\d.]+$|:/.test(host);
    const name = isAddress ? ['-verify_ip', host] : ['-servername', host, '-verify_hostname', host];
    const connect = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
    this.#child = spawn(
      'openssl',
      [
        ...['s_client', ...USING, '-connect', connect, ...name, '-verify_return_error', '-CAfile', files.ca],
        ...['-cert', files.certificate, '-key', files.key, '-no-CApath', '-no-CAstore'],
        // Nothing of its own on standard output, no commands in what we send, and an end with ours.
        ...['-quiet', '-nocommands', '-no_ign_eof', '-min_protocol', 'TLSv1.2'],
      ],
      { env: tpmEnvironment(tpm), stdio: ['pipe', 'pipe', 'pipe'], detached: true },
    );
    this.#listen();
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    // Into a pipe, which also keeps what is written before the handshake. If the process is gone, its end says why.
    this.#child.stdin!.write(chunk, () => done());
  }

  override _final(done: () => void): void {
    // Without waiting: a process that is gone calls nobody back.
    this.#child.stdin!.end();
    done();
  }

  override _read(): void {
    this.#child.stdout!.resume();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#child.kill('SIGKILL');
    done(error);
  }

  #listen(): void {
    const { stdin, stdout, stderr } = this.#child;
    stdin!.on('error', () => {}); // told by the end of the process
    stdout!.on('data', (chunk: Buffer) => {
      this.#secure();
      if (!this.push(chunk)) stdout!.pause();
    });
    stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#said = (this.#said + text).slice(-KEPT_TEXT);
      if (/depth=0[^\n]*\nverify return:1/.test(this.#said)) this.#secure();
    });
    this.#child.once('error', (error) => this.destroy(tpmFailure(error.message, this.#tpm)));
    this.#child.once('close', (status) => {
      if (this.destroyed) return;
      const fault = status === 0 ? null : this.#fault();
      if (fault === null) this.push(null);
      else this.destroy(fault);
    });
  }

  #secure(): void {
    if (this.#isSecure) return;
    this.#isSecure = true;
    this.emit('connect');
    this.emit('secureConnect');
  }

  /** Why the process ended; null if the other side just closed the connection. */
  #fault(): Error | null {
    const alert = ALERT.exec(this.#said)?.[1];
    if (alert !== undefined) return new Error(`SSL ${alert}`);
    const fault = FAULTS.find(([pattern]) => pattern.test(this.#said));
    if (fault !== undefined) return new Error(fault[1]);
    return TPM_TROUBLE.test(this.#said) ? tpmFailure(this.#said, this.#tpm) : null;
  }
}
