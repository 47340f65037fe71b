import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { LIFELINE_ENVIRONMENT } from '#runtime/lifeline.ts';

const CLI = join(import.meta.dirname, '..', 'cli', 'main.ts');

/** Time to end in peace before SIGKILL. */
const STOP_MS = 8_000;

/** Waits between restarts of a daemon that ended by itself; the last one repeats. */
const RESTART_MS = [200, 1_000, 3_000, 10_000];

/** A daemon that ran this long has recovered: the next restart is quick again. */
const RECOVERED_MS = 60_000;

/**
 * A daemon in a process of its own, started as a service manager would: `blindsight NAME --config FILE`, its log in a file, started
 * again when it ends without being told to. It leads a process group of its own, so that Ctrl-C in the terminal reaches only its
 * supervisor, and ends when the supervisor is gone, however that went.
 */
export class DaemonProcess {
  readonly name: string;
  readonly #arguments: readonly string[];
  readonly #logFile: string;
  readonly #onExit: (message: string) => void;
  #child: ChildProcess | null = null;
  #stopping = false;
  #attempts = 0;
  #restart: NodeJS.Timeout | null = null;

  /**
   * @param name agent, backend or broker
   * @param configFile its configuration file
   * @param logFile is appended to
   * @param onExit hears in a sentence of an end that was not asked for
   * @param options of its command line besides
   */
  constructor(
    name: string,
    configFile: string,
    logFile: string,
    onExit: (message: string) => void,
    options: readonly string[] = [],
  ) {
    this.name = name;
    this.#arguments = [CLI, name, '--config', configFile, ...options];
    this.#logFile = logFile;
    this.#onExit = onExit;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  start(): void {
    const log = openSync(this.#logFile, 'a', 0o600);
    const startedAt = Date.now();
    const child = spawn(process.execPath, this.#arguments, {
      stdio: ['ignore', log, log, 'pipe'],
      detached: true,
      env: { ...process.env, ...LIFELINE_ENVIRONMENT },
    });
    closeSync(log);
    this.#child = child;
    child.once('error', (error) => this.#onExit(`${this.name} cannot be started: ${error.message}`));
    child.once('exit', (code, signal) => {
      this.#child = null;
      if (this.#stopping) return;
      if (Date.now() - startedAt > RECOVERED_MS) this.#attempts = 0;
      const wait = RESTART_MS[Math.min(this.#attempts++, RESTART_MS.length - 1)]!;
      const cause = signal === null ? `exit code ${code}` : signal;
      this.#onExit(`${this.name} ended (${cause}); restarting it. Its log: ${this.#logFile}`);
      this.#restart = setTimeout(() => this.start(), wait);
    });
  }

  /** Ends the daemon: SIGTERM, and SIGKILL where that is not heard in time. */
  async stop(): Promise<void> {
    this.#stopping = true;
    if (this.#restart !== null) clearTimeout(this.#restart);
    const child = this.#child;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, 'exit');
    child.kill('SIGTERM');
    const kill = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    await exit;
    clearTimeout(kill);
  }
}
