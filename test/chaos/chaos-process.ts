import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { LIFELINE_ENVIRONMENT } from '#runtime/lifeline.ts';
import { lastWords, type Surprise } from './surprise.ts';

/** As a service manager waits before it starts a service again. */
const RESTART_MS = 300;
const STOP_MS = 10_000;
const CLOCK = pathToFileURL(join(import.meta.dirname, 'shift-clock.ts')).href;

export type ChaosProcessOptions = {
  readonly name: string;
  /** Node, with a clock of its own, where left out. */
  readonly program?: string;
  readonly arguments: (start: number) => readonly string[];
  readonly logFile: string;
  /** By how much its clock is wrong, ms. */
  readonly clockFile: string;
  /** Hears what it says; where left out it goes to the log. */
  readonly onOutput?: (text: string) => void;
};

/** A process that a chaos run may end, stop and start as it likes; one that ends is started again, as a service manager does, unless it is held. */
export class ChaosProcess {
  readonly name: string;
  /** Ends that nobody here asked for. */
  readonly surprises: Surprise[] = [];
  readonly #options: ChaosProcessOptions;
  #child: ChildProcess | null = null;
  #starts = 0;
  /** Where its log begins. */
  #logFrom = 0;
  #holds = 0;
  #isClosing = false;
  #isAsked = false;
  #restart: NodeJS.Timeout | undefined;

  constructor(options: ChaosProcessOptions) {
    this.name = options.name;
    this.#options = options;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  get starts(): number {
    return this.#starts;
  }

  /** What is written there it hears. */
  get input(): Writable | null {
    return this.#child?.stdin ?? null;
  }

  start(): void {
    const { program, arguments: given, logFile, clockFile, onOutput } = this.#options;
    const log = openSync(logFile, 'a', 0o600);
    this.#logFrom = fstatSync(log).size;
    this.#starts++;
    this.#isAsked = false;
    const itsOwn = given(this.#starts);
    const line = program === undefined ? ['--import', CLOCK, ...itsOwn] : itsOwn;
    const child = spawn(program ?? process.execPath, line, {
      stdio: ['pipe', onOutput === undefined ? log : 'pipe', log, 'pipe'],
      detached: true,
      env: { ...process.env, ...LIFELINE_ENVIRONMENT, BLINDSIGHT_CHAOS_CLOCK: clockFile },
    });
    closeSync(log);
    this.#child = child;
    child.stdin?.on('error', () => {}); // It may be gone when it is told something.
    child.stdout?.setEncoding('utf8').on('data', (text: string) => onOutput?.(text));
    child.once('exit', (code, signal) => this.#ended(code, signal));
  }

  #ended(code: number | null, signal: NodeJS.Signals | null): void {
    this.#child = null;
    if (this.#isClosing) return;
    const how = signal ?? `exit code ${code}`;
    if (!this.#isAsked) {
      const words = lastWords(readFileSync(this.#options.logFile).subarray(this.#logFrom).toString());
      this.surprises.push({ process: this.name, how, words, atMs: performance.now() });
    }
    appendFileSync(this.#options.logFile, `# ${this.name} ended (${how})\n`);
    if (this.#holds === 0) this.#restart = setTimeout(() => this.start(), RESTART_MS);
  }

  /** Sends it a signal; one that ends it counts as asked for. */
  signal(signal: NodeJS.Signals): void {
    if (signal === 'SIGKILL' || signal === 'SIGTERM') this.#isAsked = true;
    this.#child?.kill(signal);
  }

  /** Ends it at once, and does not start it again until it is let go as often as it was held. */
  async hold(): Promise<void> {
    this.#holds++;
    clearTimeout(this.#restart);
    const child = this.#child;
    if (child === null) return;
    this.#isAsked = true;
    const exit = once(child, 'exit');
    child.kill('SIGKILL');
    await exit;
  }

  letGo(): void {
    this.#holds--;
    if (this.#holds === 0 && this.#child === null && !this.#isClosing) {
      clearTimeout(this.#restart);
      this.start();
    }
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    clearTimeout(this.#restart);
    const child = this.#child;
    if (child === null) return;
    const exit = once(child, 'exit');
    child.kill('SIGCONT');
    child.kill('SIGTERM');
    const kill = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    await exit;
    clearTimeout(kill);
  }
}
