import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { BlindsightError } from '#protocol/errors.ts';

const SCRIPT = join(import.meta.dirname, 'camera.py');

/** A clip that comes with Blindsight; see counter/NOTICE.md for its origin and licence. */
export const COUNTER_CLIP = join(import.meta.dirname, 'counter', 'counter.mp4');

/** Debian's own Python: GStreamer's bindings belong to it, not to another Python that stands first on the PATH. */
const PYTHON = existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3';

/** Of its stream. */
const PATH = '/live';
const START_MS = 20_000;

/** A real RTSP server that plays a clip in an endless loop. */
export class SimulatedCamera {
  readonly url: string;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, url: string) {
    this.#child = child;
    this.url = url;
  }

  /**
   * Starts it on a free loopback port.
   *
   * @param onExit hears in a sentence of an end that was not asked for
   * @throws BlindsightError DEMO_CAMERA where GStreamer's RTSP server cannot run here
   */
  static async start(clip: string, onExit: (message: string) => void): Promise<SimulatedCamera> {
    const child = spawn(PYTHON, [SCRIPT, clip, '--path', PATH], {
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
    });
    let complaint = '';
    child.stderr.on('data', (bytes) => {
      complaint = `${complaint}${bytes}`.slice(-2_000);
    });
    const ended = Promise.race([
      once(child, 'error').then(([error]) => String(error)),
      once(child, 'exit').then(([code, signal]) => `it ended with ${signal ?? `exit code ${code}`}`),
    ]);
    const announced = once(child.stdout, 'data').then(
      ([bytes]) => JSON.parse(String(bytes)) as { port: number },
    );
    const timeout = new Promise<string>((resolve) => {
      setTimeout(() => resolve(`nothing came from it within ${START_MS / 1000} s`), START_MS).unref();
    });
    const outcome = await Promise.race([announced, ended, timeout]);
    if (typeof outcome === 'string') {
      child.kill('SIGKILL');
      throw new BlindsightError(
        'DEMO_CAMERA',
        `the simulated camera does not start: ${outcome}. ${complaint.trim().split('\n').at(-1) ?? ''}`,
      );
    }
    const camera = new SimulatedCamera(child, `rtsp://127.0.0.1:${outcome.port}${PATH}`);
    ended.then((cause) => {
      if (!child.stdin.destroyed) onExit(`the simulated camera stopped: ${cause}`);
    });
    return camera;
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Closing its standard input ends it; a process that does not listen is killed. */
  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exit = once(this.#child, 'exit');
    this.#child.stdin?.destroy();
    const kill = setTimeout(() => this.#child.kill('SIGKILL'), 3_000);
    await exit;
    clearTimeout(kill);
  }
}
