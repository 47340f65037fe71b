import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { root } from '../../source-files.ts';

const run = promisify(execFile);
const HERE = import.meta.dirname;
const NAMESPACES = ['--mount', '--net', '--pid', '--uts', '--ipc'];
const ENVIRONMENT = [
  'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  'HOME=/home/operator',
  'LANG=C.UTF-8',
  // Most of what a machine does is to start commands.
  'NODE_COMPILE_CACHE=/var/cache/compiled',
];

/** Why this process may not make machines, in a sentence; null where it may. */
export function whyNoMachines(): string | null {
  const folder = mkdtempSync(join(tmpdir(), 'blindsight-machine-'));
  const overlay = `mount -t tmpfs tmpfs . && mkdir a b c && mount -t overlay -o lowerdir=/,upperdir=a,workdir=b overlay c && ip link set lo up`;
  try {
    execFileSync('unshare', [...NAMESPACES, '--fork', '/bin/sh', '-c', overlay], {
      cwd: folder,
      stdio: 'pipe',
    });
    return null;
  } catch (error) {
    const { code, stderr } = error as { code?: string; stderr?: Buffer };
    const cause = String(stderr ?? code).trim();
    return `it needs root with CAP_SYS_ADMIN (not so in most containers), overlayfs and iproute2; here: ${cause}`;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/**
 * A Linux machine of its own: network, disk, processes and name, all of which are gone when it stops, or when this process ends in
 * whatever way. It has a clone of the repository in ~/blindsight, and stand-ins for `sudo`, `ssh`, `editor` and `systemctl` (bin/).
 */
export class Machine {
  readonly #holder: ChildProcess;
  readonly #folder: string;
  /** Its first process, as this machine counts. */
  readonly pid: number;

  private constructor(holder: ChildProcess, folder: string, pid: number) {
    this.#holder = holder;
    this.#folder = folder;
    this.pid = pid;
  }

  /** @param homes a folder with the homes of all machines, by which they reach each other's */
  static async boot(name: string, homes: string): Promise<Machine> {
    const folder = mkdtempSync(join(tmpdir(), `blindsight-${name}-`));
    const words = [...NAMESPACES, '--fork', '--kill-child', '/bin/bash', join(HERE, 'boot.sh')];
    const holder = spawn('unshare', [...words, name, folder, root, homes], {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    let complaint = '';
    holder.stderr.on('data', (bytes) => {
      complaint += bytes;
    });
    const isUp = await Promise.race([
      once(holder.stdout, 'data').then(() => true),
      once(holder, 'close').then(() => false),
    ]);
    if (!isUp) {
      rmSync(folder, { recursive: true });
      throw new Error(`the machine ${name} does not start: ${complaint}`);
    }
    const children = readFileSync(`/proc/${holder.pid}/task/${holder.pid}/children`, 'utf8');
    return new Machine(holder, folder, Number(children));
  }

  /**
   * Runs shell commands as a person types them, in the clone.
   *
   * @returns what they printed
   * @throws Error with all that they printed, once one of them fails
   */
  async run(commands: string, environment: Readonly<Record<string, string>> = {}): Promise<string> {
    try {
      const { stdout } = await run('nsenter', this.#enter(commands, environment), { maxBuffer: 2 ** 24 });
      return stdout;
    } catch (error) {
      const { stdout, stderr } = error as { stdout: string; stderr: string };
      throw new Error(`$ ${commands}\n${stdout}${stderr}`);
    }
  }

  /** Starts a command that goes on until its standard input closes. Resolves with its first output. */
  async start(command: string): Promise<string> {
    const child = spawn('nsenter', this.#enter(`exec ${command}`), { stdio: ['pipe', 'pipe', 'inherit'] });
    const [bytes] = await Promise.race([once(child.stdout, 'data'), once(child, 'exit')]);
    return String(bytes);
  }

  async stop(): Promise<void> {
    const exit = once(this.#holder, 'exit');
    this.#holder.stdin?.destroy();
    await exit;
    rmSync(this.#folder, { recursive: true });
  }

  #enter(commands: string, environment: Readonly<Record<string, string>> = {}): string[] {
    const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
    const where = ['--target', String(this.pid), '--mount', '--net', '--pid', '--uts', '--ipc', '--root'];
    const clone = 'umask 022; cd ~/blindsight';
    const shell = ['/bin/bash', '--norc', '-euo', 'pipefail', '-c', `${clone}\n${commands}`];
    return [...where, '--wdns=/', 'env', '-i', ...ENVIRONMENT, ...variables, ...shell];
  }
}

/** Joins two machines by a cable; each has an address of its own in 192.0.2.0/24 (RFC 5737). */
export async function joinMachines(
  ends: readonly [readonly [Machine, string], readonly [Machine, string]],
): Promise<void> {
  const [[one], [other]] = ends;
  const peer = ['type', 'veth', 'peer', 'name', 'eth0', 'netns', String(other.pid)];
  await run('ip', ['link', 'add', 'eth0', 'netns', String(one.pid), ...peer]);
  for (const [machine, address] of ends) {
    await machine.run(`ip address add ${address}/24 dev eth0; ip link set eth0 up`);
  }
}
