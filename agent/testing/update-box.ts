import { type ChildProcess, spawn } from 'node:child_process';
import { createHash, generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Reported } from '#protocol/messages.ts';
import { type SoftwareManifest, signSoftware } from '#protocol/software.ts';
import { LAUNCH_AGENT, ownPlatform } from '../../deploy/edge/edge-tree.ts';
import { packProgram } from '../../deploy/edge/pack-program.ts';
import { endGroup } from './end-group.ts';
import { until } from './until.ts';

const ROOT = join(import.meta.dirname, '..', '..');

/** What a fake program does; see fake-agent.ts. */
export type Mode = 'good' | 'exits' | 'hangs' | 'dark' | 'mute' | 'unlinked';
export type Start = {
  readonly mode: Mode;
  readonly version: string;
  readonly slot: string;
  readonly pid: number;
};
type Report = NonNullable<Reported['software']> & { readonly by: string };

export type Release = {
  readonly wire: Uint8Array;
  readonly archive: Buffer;
  readonly manifest: SoftwareManifest;
};

/** A gateway with the real launcher and fake programs, which something like systemd starts again and again. */
export class UpdateBox {
  readonly folder: string;
  /** What the launcher and the programs said. */
  lines = '';
  readonly owner = generateKeyPairSync('ed25519');
  readonly environment: Record<string, string> = { FAKE_LIMIT_MS: '60000', FAKE_GRACE_MS: '60000' };
  #child: ChildProcess | null = null;
  #running = false;
  #counter = 0;

  constructor(data?: string) {
    this.folder = mkdtempSync(join(tmpdir(), 'blindsight-update-'));
    const base = join(this.folder, 'base');
    this.#program(base, 'good', '1.0.0');
    symlinkSync(process.execPath, join(base, 'bin', 'node'));
    symlinkSync(join(ROOT, 'agent'), join(base, 'agent'));
    writeFileSync(join(base, 'bin', 'launch-agent'), LAUNCH_AGENT, { mode: 0o755 });
    this.write('owner.pem', this.owner.publicKey.export({ type: 'spki', format: 'pem' }));
    this.write(
      'agent.yaml',
      `site: town\ngateway: gate-1\ndata: ${data ?? 'data'}\nlater: [setting]\nidentity: { ownerKey: owner.pem }\n`,
    );
    mkdirSync(join(this.folder, 'data'));
  }

  /** Folder of the slots. */
  get software(): string {
    return join(this.folder, 'data', 'software');
  }

  write(name: string, content: string | Uint8Array): void {
    const path = join(this.folder, name);
    writeFileSync(`${path}.new`, content);
    renameSync(`${path}.new`, path);
  }

  /** @param files more of them, with their content */
  async release(
    mode: Mode,
    version: string,
    change: Partial<SoftwareManifest> = {},
    files: Readonly<Record<string, string | Uint8Array>> = {},
    key = this.owner.privateKey,
  ): Promise<Release> {
    const scratch = mkdtempSync(join(tmpdir(), 'blindsight-release-'));
    try {
      const program = join(scratch, 'program');
      this.#program(program, mode, version);
      for (const [name, content] of Object.entries(files)) {
        mkdirSync(dirname(join(program, name)), { recursive: true });
        writeFileSync(join(program, name), content);
      }
      const file = join(scratch, 'archive.tar.gz');
      const { bytes, sha256 } = await packProgram(program, file, ownPlatform());
      const list = readFileSync(join(program, 'RELEASE.json'));
      const contents = createHash('sha256').update(list).digest('hex');
      const signed = this.sign({ version, archive: { bytes, sha256 }, contents, ...change }, key);
      return { ...signed, archive: readFileSync(file) };
    } finally {
      rmSync(scratch, { recursive: true });
    }
  }

  /** Signs a release with the next counter. */
  sign(change: Partial<SoftwareManifest>, key = this.owner.privateKey): Pick<Release, 'wire' | 'manifest'> {
    const manifest: SoftwareManifest = {
      schema: 1,
      site: 'town',
      gateway: 'gate-1',
      version: '1.0.0',
      counter: ++this.#counter,
      createdMs: 1,
      platform: ownPlatform(),
      archive: { bytes: 1, sha256: 'ab'.repeat(32) },
      contents: 'cd'.repeat(32),
      memoryMegabytes: 1,
      ...change,
    };
    return { wire: signSoftware(manifest, key), manifest };
  }

  publish({ wire, archive }: Release): void {
    this.write('archive', archive);
    this.write('release', wire);
  }

  start(): void {
    this.#running = true;
    this.#spawn();
  }

  /** Ends whatever runs now, the launcher or what it became, and its children, like a power cut; it is started again. */
  kill(signal: NodeJS.Signals = 'SIGKILL'): void {
    endGroup(this.#child?.pid, signal);
  }

  async close(): Promise<void> {
    this.#running = false;
    this.kill();
    if (this.#child !== null) await once(this.#child, 'close');
    rmSync(this.folder, { recursive: true });
  }

  /** Of the launcher, which becomes the program. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  get starts(): Start[] {
    return this.#read<Start>('starts');
  }

  get reports(): Report[] {
    return this.#read<Report>('reported');
  }

  get events(): { readonly code: string; readonly message: string }[] {
    return this.#read('events');
  }

  async until(condition: () => boolean): Promise<void> {
    await until('a condition', condition).catch((error: unknown) => {
      const last = JSON.stringify(this.reports.at(-1));
      throw new Error(`last report: ${last}\n${this.lines.slice(-3000)}`, { cause: error });
    });
  }

  /** Waits for a report, by the program of this version. */
  async reported(by: string, status: Report['status'], code: string | null = null): Promise<Report> {
    const fits = (report: Report) =>
      report.by === by && report.status === status && (report.error?.code ?? null) === code;
    const last = () => this.reports.at(-1);
    await this.until(() => {
      const report = last();
      return report !== undefined && fits(report);
    });
    return last()!;
  }

  #read<T>(name: string): T[] {
    const path = join(this.folder, name);
    if (!existsSync(path)) return [];
    const whole = readFileSync(path, 'utf8').split('\n').slice(0, -1);
    return whole
      .filter((line) => line.startsWith('{') && line.endsWith('}'))
      .map((line) => JSON.parse(line) as T);
  }

  #spawn(): void {
    const child = spawn(
      join(this.folder, 'base', 'bin', 'launch-agent'),
      ['--config', join(this.folder, 'agent.yaml')],
      {
        detached: true,
        stdio: ['ignore', 'pipe', 'pipe'],
        // Hundreds of starts of the same sources: what they compile to is kept.
        env: {
          PATH: process.env.PATH,
          NODE_COMPILE_CACHE: join(this.folder, 'compiled'),
          ...this.environment,
        },
      },
    );
    const hear = (text: string) => {
      this.lines += text;
    };
    child.stdout.setEncoding('utf8').on('data', hear);
    child.stderr.setEncoding('utf8').on('data', hear);
    child.once('close', () => {
      endGroup(child.pid);
      if (this.#running) this.#spawn();
    });
    this.#child = child;
  }

  #program(folder: string, mode: Mode, version: string): void {
    mkdirSync(join(folder, 'bin'), { recursive: true });
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ version }));
    const script = [
      '#!/bin/sh',
      '[ "$2" = --help ] && exit 0',
      `exec "${process.execPath}" "${join(import.meta.dirname, 'fake-agent.ts')}" ${mode} ${version} "$@"`,
    ];
    writeFileSync(join(folder, 'bin', 'blindsight'), `${script.join('\n')}\n`);
    chmodSync(join(folder, 'bin', 'blindsight'), 0o755);
  }
}
