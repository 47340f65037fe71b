import { type ChildProcess, spawn } from 'node:child_process';
import type { CameraAddress } from './address.ts';
import { type CameraFailure, failureFromLines } from './failure.ts';
import { type CaptureLimits, captureArguments, captureScript, confined } from './ffmpeg-arguments.ts';
import { type PpmPicture, PpmReader } from './ppm-reader.ts';
import { redact } from './redact.ts';

/** What a capture needs to know. Times in milliseconds. */
export type CaptureOptions = {
  readonly ffmpegPath: string;
  readonly limits: CaptureLimits;
  readonly address: CameraAddress;
  readonly rate: number;
  readonly timeoutMs: number;
  /** How long ffmpeg may take to say goodbye to the camera before it is killed. */
  readonly graceMs: number;
  readonly now: () => number;
  readonly onPicture: (picture: PpmPicture, timeMs: number) => void;
};

/** How a capture ended. `failure` is null where neither ffmpeg nor we know a cause. */
export type CaptureEnd = {
  readonly failure: CameraFailure | null;
  /** Last lines of standard error, redacted. */
  readonly lines: readonly string[];
  readonly pictures: number;
};

/** What a shell ends with where there is no such program, or none that may be run. */
const NOT_FOUND = 127;
const NOT_RUNNABLE = 126;

function missingProgram(status: number | null, path: string): CameraFailure | null {
  if (status === NOT_RUNNABLE) return { state: 'failed', detail: `ffmpeg cannot be started (${path})` };
  if (status !== NOT_FOUND) return null;
  const detail = `ffmpeg is not installed (${path}); install it, for example with: apt install ffmpeg`;
  return { state: 'failed', detail };
}

const KEPT_LINES = 20;
const MAX_LINE = 300;

/** One ffmpeg process that reads one camera until it ends, fails or is stopped. */
export class Capture {
  /** Resolves when the process is gone; never rejects. */
  readonly ended: Promise<CaptureEnd>;
  readonly #options: CaptureOptions;
  readonly #child: ChildProcess;
  readonly #reader: PpmReader;
  readonly #lines: string[] = [];
  #rest = '';
  #pictures = 0;
  #startedMs = 0;
  #failure: CameraFailure | null = null;
  #killTimer: NodeJS.Timeout | undefined;

  constructor(options: CaptureOptions) {
    this.#options = options;
    this.#reader = new PpmReader(
      () => {
        this.#startedMs = options.now();
      },
      (picture) => {
        this.#pictures++;
        options.onPicture(picture, this.#startedMs);
      },
    );
    // The environment is ours only as far as ffmpeg needs it: nothing that systemd handed us reaches the child.
    const { ffmpegPath, limits, rate } = options;
    this.#child = spawn('/bin/sh', confined(limits, [ffmpegPath, ...captureArguments(rate, limits)]), {
      stdio: ['pipe', 'pipe', 'pipe'],
      // A group of its own: a signal from a terminal reaches the gateway only, which says goodbye to the camera.
      detached: true,
      env: { PATH: process.env.PATH ?? '/usr/bin:/bin', AV_LOG_FORCE_NOCOLOR: '1' },
    });
    this.ended = this.#watch();
    this.#child.stdin?.on('error', () => {}); // The child may be gone before it has read its playlist.
    this.#child.stdin?.end(
      captureScript({
        secretUrl: options.address.secretUrl,
        timeoutMs: options.timeoutMs,
        rate: options.rate,
      }),
    );
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Gives the bytes of a picture back that nobody wants any more. */
  recycle(data: Uint8Array): void {
    this.#reader.recycle(data);
  }

  /**
   * Ends the process: SIGTERM, so that ffmpeg closes its session at the camera, and SIGKILL when it does not go.
   *
   * @param failure why, if this is not a plain shutdown
   */
  stop(failure?: CameraFailure): Promise<CaptureEnd> {
    this.#failure ??= failure ?? null;
    if (this.#killTimer === undefined && this.#child.exitCode === null && this.#child.pid !== undefined) {
      this.#child.kill('SIGTERM');
      this.#killTimer = setTimeout(() => this.#child.kill('SIGKILL'), this.#options.graceMs);
    }
    return this.ended;
  }

  #watch(): Promise<CaptureEnd> {
    const { promise, resolve } = Promise.withResolvers<CaptureEnd>();
    this.#child.stdout?.on('data', (chunk: Buffer) => {
      if (this.#killTimer !== undefined) return;
      try {
        this.#reader.push(chunk);
      } catch (error) {
        void this.stop({
          state: 'bad-stream',
          detail: error instanceof Error ? error.message : String(error),
        });
      }
    });
    this.#child.stderr?.setEncoding('utf8');
    this.#child.stderr?.on('data', (text: string) => this.#collect(text));
    this.#child.once('error', (error: NodeJS.ErrnoException) => {
      if (this.#child.pid !== undefined) return;
      const detail = `ffmpeg cannot be started (${error.code ?? error.message})`;
      resolve({ failure: { state: 'failed', detail }, lines: [], pictures: 0 });
    });
    this.#child.once('close', (status) => {
      clearTimeout(this.#killTimer);
      if (this.#rest !== '') this.#keep(this.#rest);
      const failure = this.#explain(status);
      resolve({ failure, lines: this.#lines, pictures: this.#pictures });
    });
    return promise;
  }

  /** A stream that ffmpeg refuses to decode looks like one that stalls, but its words say more. */
  #explain(status: number | null): CameraFailure | null {
    const { ffmpegPath, address } = this.#options;
    const said = failureFromLines(this.#lines, address.display);
    const undecodable =
      this.#failure?.state === 'stalled' && this.#pictures === 0 && said?.state === 'bad-stream';
    if (this.#failure !== null && !undecodable) return this.#failure;
    return said ?? missingProgram(status, ffmpegPath);
  }

  #collect(text: string): void {
    const lines = (this.#rest + text).split(/[\r\n]+/);
    this.#rest = (lines.pop() ?? '').slice(-MAX_LINE);
    for (const line of lines) this.#keep(line);
  }

  #keep(line: string): void {
    const clean = redact(line, this.#options.address.secrets).trim().slice(0, MAX_LINE);
    if (clean === '') return;
    this.#lines.push(clean);
    if (this.#lines.length > KEPT_LINES) this.#lines.shift();
  }
}
