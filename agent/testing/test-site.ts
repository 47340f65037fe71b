import { type ChildProcess, spawn } from 'node:child_process';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Authority, createAuthority } from '#backend/enrolment/authority.ts';
import { type Broker, startBroker } from '#broker/main.ts';
import { BrokerConfig } from '#config/schema.ts';
import { createLogger } from '#runtime/log.ts';
import { freePort } from '#runtime/ports.ts';

const PROCESS = fileURLToPath(new URL('./agent-process.ts', import.meta.url));

/** A site in a temporary folder: certificates, a broker that comes and goes, and a gateway as a process of its own. */
export class TestSite {
  readonly directory: string;
  readonly port: number;
  readonly owner: { readonly publicKey: KeyObject; readonly privateKey: KeyObject };
  readonly signing: { readonly publicKey: KeyObject; readonly privateKey: KeyObject };
  /** Everything that the gateway logged. */
  logs = '';
  #authority: Authority;
  #broker: Broker | null = null;
  #agent: ChildProcess | null = null;

  private constructor(directory: string, port: number, authority: Authority) {
    this.directory = directory;
    this.port = port;
    this.#authority = authority;
    this.owner = generateKeyPairSync('ed25519');
    this.signing = generateKeyPairSync('ed25519');
  }

  /** @param cameras YAML of the cameras */
  static async create(cameras: string): Promise<TestSite> {
    const directory = await mkdtemp(join(tmpdir(), 'blindsight-site-'));
    const site = new TestSite(directory, await freePort(0), await createAuthority());
    await site.write('ca.pem', site.#authority.certificate);
    await site.#issue('broker', 'broker');
    await site.#issue('gateway', 'gate-1');
    await site.write('signing.key', site.signing.privateKey.export({ type: 'pkcs8', format: 'pem' }));
    await site.write('owner.pem', site.owner.publicKey.export({ type: 'spki', format: 'pem' }));
    await site.write(
      'agent.yaml',
      [
        'site: town',
        'gateway: gate-1',
        'data: data',
        `broker: { url: "mqtts://localhost:${site.port}", ca: ca.pem, certificate: gate-1.pem, key: gate-1.key }`,
        'identity: { signingKey: signing.key, ownerKey: owner.pem }',
        'inference: { interpreter: reference }',
        'healthSeconds: 1',
        `cameras:\n${cameras}`,
      ].join('\n'),
    );
    return site;
  }

  /** Writes a file that only we may read, beside the gateway's configuration. */
  async write(name: string, content: string | Buffer): Promise<void> {
    await writeFile(join(this.directory, name), content, { mode: 0o600 });
  }

  /** PEM texts of the backend's client certificate. */
  async backendCredentials() {
    const { certificate, key } = await this.#authority.issue({
      kind: 'backend',
      commonName: 'backend',
      days: 1,
    });
    return { ca: this.#authority.certificate, certificate, key };
  }

  async startBroker(): Promise<void> {
    const path = (name: string) => join(this.directory, name);
    await mkdir(path('broker'), { recursive: true });
    const config = BrokerConfig.parse({
      site: 'town',
      port: this.port,
      data: path('broker'),
      ca: path('ca.pem'),
      certificate: path('broker.pem'),
      key: path('broker.key'),
    });
    const log = createLogger({ name: 'broker', level: 'error', format: 'json' });
    this.#broker = await startBroker({ config, log });
  }

  async stopBroker(): Promise<void> {
    await this.#broker?.close();
    this.#broker = null;
  }

  startAgent(): void {
    const child = spawn(process.execPath, [PROCESS, join(this.directory, 'agent.yaml')], {
      stdio: ['ignore', 'inherit', 'pipe'],
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.logs += text;
    });
    this.#agent = child;
  }

  /** Process ids of the gateway's children. */
  agentChildren(): number[] {
    const pid = this.#agent?.pid ?? 0;
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
      .trim()
      .split(' ')
      .filter(Boolean)
      .map(Number);
  }

  /** Lets the gateway read its configuration again. */
  reloadAgent(): void {
    this.#agent?.kill('SIGHUP');
  }

  /** Ends the gateway; resolves with its exit code, null where the signal ended it. */
  async stopAgent(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null> {
    const child = this.#agent;
    this.#agent = null;
    if (child === null) return null;
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
    child.kill(signal);
    const [code] = (await once(child, 'close')) as [number | null];
    return code;
  }

  async close(): Promise<void> {
    await this.stopAgent('SIGKILL');
    await this.stopBroker();
    await rm(this.directory, { recursive: true, force: true });
  }

  async #issue(kind: 'broker' | 'gateway', commonName: string): Promise<void> {
    const { certificate, key } = await this.#authority.issue({ kind, commonName, days: 1 });
    await this.write(`${commonName}.pem`, certificate);
    await this.write(`${commonName}.key`, key);
  }
}
