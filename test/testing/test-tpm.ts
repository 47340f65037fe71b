import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const READY_MS = 20_000;

/**
 * A software TPM 2.0 (swtpm) behind a resource manager (tpm2-abrmd, on a D-Bus of its own), which stands for the kernel's at /dev/tpmrm0. Only one at a
 * time: programs find its bus by the environment of this process.
 */
export class TestTpm {
  /** How OpenSSL and tpm2-tss reach it. */
  readonly address = 'tabrmd:bus_type=session';
  readonly #children: ChildProcess[] = [];

  private constructor() {}

  /** @param folder an existing, empty one */
  static async start(folder: string): Promise<TestTpm> {
    const tpm = new TestTpm();
    const state = join(folder, 'state');
    const socket = join(folder, 'tpm');
    mkdirSync(state);
    execFileSync('swtpm_setup', ['--tpm2', '--tpmstate', state], { stdio: 'ignore' });
    const flags = ['--ctrl', `type=unixio,path=${socket}.ctrl`, '--flags', 'not-need-init,startup-clear'];
    tpm.#spawn('swtpm', [
      ...['socket', '--tpm2', '--tpmstate', `dir=${state}`, '--server', `type=unixio,path=${socket}`],
      ...flags,
    ]);
    const bus = tpm.#spawn('dbus-daemon', ['--session', '--nofork', '--print-address']);
    const [address] = (await once(bus.stdout!, 'data')) as [Buffer];
    process.env.DBUS_SESSION_BUS_ADDRESS = address.toString().trim();
    tpm.#spawn('tpm2-abrmd', ['--session', '--allow-root', `--tcti=swtpm:path=${socket}`]);
    await tpm.#ready();
    return tpm;
  }

  async stop(): Promise<void> {
    delete process.env.DBUS_SESSION_BUS_ADDRESS;
    for (const child of this.#children.splice(0).reverse()) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
  }

  #spawn(command: string, args: readonly string[]): ChildProcess {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'ignore'] });
    this.#children.push(child);
    return child;
  }

  async #ready(): Promise<void> {
    const until = Date.now() + READY_MS;
    for (;;) {
      try {
        const env = { ...process.env, TPM2OPENSSL_TCTI: this.address };
        execFileSync('openssl', ['list', '-provider', 'tpm2', '-providers'], { env, stdio: 'ignore' });
        return;
      } catch (error) {
        if (Date.now() > until) throw error;
        await delay(50);
      }
    }
  }
}
