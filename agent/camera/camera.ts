import type { CameraConfig } from '#config/schema.ts';
import type { CameraState } from '#protocol/messages.ts';
import type { Clock } from '#runtime/clock.ts';
import type { RetryLadder } from '#runtime/retry.ts';
import { whenAborted } from '../when-aborted.ts';
import type { CameraAddress } from './address.ts';
import { Capture, type CaptureEnd } from './capture.ts';
import type { CameraFailure } from './failure.ts';
import { CAPTURE_LIMITS, type CaptureLimits } from './ffmpeg-arguments.ts';
import type { Frame } from './frame.ts';
import { type CameraLadders, cameraLadders } from './ladders.ts';
import { probeAddress } from './probe.ts';
import { RateMeter } from './rate-meter.ts';

/** What a camera's supervisor needs. Times in milliseconds. */
export type CameraOptions = {
  readonly config: CameraConfig;
  /** Called before each attempt, so that a new password takes effect without a restart. */
  readonly readAddress: () => Promise<CameraAddress>;
  readonly clock: Clock;
  readonly ffmpegPath?: string;
  readonly limits?: CaptureLimits;
  readonly ladders?: CameraLadders;
  /** Added to `stallSeconds` until the first picture: probing and waiting for a key frame take their time. */
  readonly firstPictureMs?: number;
  readonly graceMs?: number;
  readonly onFrame: (camera: Camera) => void;
  readonly onState: (camera: Camera) => void;
};

const FIRST_PICTURE_MS = 10_000;
const GRACE_MS = 2_000;
/** A stream that ran this long has recovered: its next failure starts at the bottom of the ladder. */
const RECOVERED_MS = 20_000;

type Described = Pick<CameraState, 'state' | 'detail'>;

/**
 * Keeps one camera streaming: starts a capture, watches for pictures, names the cause when none arrive, and
 * retries with growing pauses. Holds only the newest picture; an older one that nobody took is counted as superseded.
 */
export class Camera {
  readonly config: CameraConfig;
  readonly #options: CameraOptions;
  /** Why no pictures are taken although the camera is in use; null where they are. */
  #held: string | null = null;
  /** Aborts when that changes. */
  #turn = new AbortController();
  readonly #captureRate: RateMeter;
  readonly #inferenceRate: RateMeter;
  #state: Described;
  #since: number;
  #nextRetry: number | null = null;
  #capture: Capture | null = null;
  #newest: Frame | null = null;
  #frames = 0;
  #superseded = 0;
  #lastPicture = 0;
  #lines: readonly string[] = [];
  #display = '';
  /** Of the newest picture ever; the entire one, as the camera sends it. */
  #size: { readonly width: number; readonly height: number } | null = null;

  constructor(options: CameraOptions) {
    this.config = options.config;
    this.#options = options;
    this.#captureRate = new RateMeter(() => options.clock.monotonic());
    this.#inferenceRate = new RateMeter(() => options.clock.monotonic());
    this.#since = options.clock.now();
    this.#state = options.config.enabled
      ? { state: 'starting', detail: 'connecting to the camera' }
      : { state: 'disabled', detail: 'disabled in the configuration' };
  }

  get name(): string {
    return this.config.name;
  }

  /** What is published about this camera. */
  get state(): CameraState {
    const { regions, network } = this.config;
    const iso = (timeMs: number) => new Date(timeMs).toISOString();
    return {
      camera: this.name,
      ...(regions !== undefined && { regions: regions.map(({ name }) => name) }),
      ...(network !== undefined && { network }),
      ...this.#state,
      ...(this.#size !== null && { size: this.#size }),
      since: iso(this.#since),
      captureRate: this.#captureRate.perSecond,
      inferenceRate: this.#inferenceRate.perSecond,
      nextRetry: this.#nextRetry === null ? null : iso(this.#nextRetry),
    };
  }

  /** Last lines that the capture process wrote before it ended, without secrets. */
  get lastLines(): readonly string[] {
    return this.#lines;
  }

  /** Process id of the capture, while there is one. */
  get capturePid(): number | undefined {
    return this.#capture?.pid;
  }

  get counts(): { readonly captured: number; readonly superseded: number } {
    return { captured: this.#frames, superseded: this.#superseded };
  }

  /** The newest picture is there and not taken yet. */
  get hasFrame(): boolean {
    return this.#newest !== null;
  }

  /** Takes the newest picture; its bytes belong to the caller until it gives them back. */
  take(): Frame | null {
    const frame = this.#newest;
    this.#newest = null;
    return frame;
  }

  /** Takes a picture back: its bytes are filled again, so that a steady stream makes no garbage. */
  recycle(frame: Frame): void {
    this.#capture?.recycle(frame.data);
  }

  /** Counts an answer that was made of one of this camera's pictures. */
  markInference(): void {
    this.#inferenceRate.mark();
  }

  /**
   * Takes no pictures while there is no network for them.
   *
   * @param reason a sentence for the operator; null to take pictures again
   */
  hold(reason: string | null): void {
    if (!this.config.enabled || reason === this.#held) return;
    const before = this.#held;
    this.#held = reason;
    this.#nextRetry = null;
    if (reason === null) this.#describe({ state: 'starting', detail: 'connecting to the camera' }, false);
    else this.#describe({ state: 'no-network', detail: reason.slice(0, 500) }, false);
    if (before !== null && reason !== null) return;
    this.#turn.abort();
    this.#turn = new AbortController();
  }

  /** Runs until the signal ends it; the capture process is gone when this resolves. */
  async run(signal: AbortSignal): Promise<void> {
    if (!this.config.enabled) return;
    const ladders = this.#options.ladders ?? cameraLadders;
    const climbing = new Map<() => RetryLadder, RetryLadder>();
    while (!signal.aborted) {
      const turn = AbortSignal.any([signal, this.#turn.signal]);
      if (this.#held !== null) {
        await whenAborted(turn, async () => {});
        continue;
      }
      const started = this.#options.clock.monotonic();
      const failure = await this.#captureOnce(turn);
      if (turn.aborted) {
        climbing.clear();
        continue;
      }
      if (this.#options.clock.monotonic() - started > RECOVERED_MS) climbing.clear();
      const make = ladders[failure.state] ?? ladders.failed;
      const ladder = climbing.get(make) ?? make();
      climbing.set(make, ladder);
      const waitMs = ladder.next();
      this.#nextRetry = this.#options.clock.now() + waitMs;
      this.#describe(failure, true);
      await this.#options.clock.sleep(waitMs, turn).catch(() => {});
      this.#nextRetry = null;
    }
  }

  async #captureOnce(signal: AbortSignal): Promise<CameraFailure> {
    const { clock, config, readAddress } = this.#options;
    let address: CameraAddress;
    try {
      address = await readAddress();
    } catch (error) {
      return {
        state: 'failed',
        detail: error instanceof Error ? error.message.slice(0, 500) : String(error),
      };
    }
    if (signal.aborted) return { state: 'failed', detail: 'stopped' };
    this.#display = address.display;
    const stallMs = config.stallSeconds * 1000;
    this.#lastPicture = 0;
    const capture = new Capture({
      ffmpegPath: this.#options.ffmpegPath ?? 'ffmpeg',
      limits: this.#options.limits ?? CAPTURE_LIMITS,
      address,
      rate: config.rate,
      timeoutMs: stallMs,
      graceMs: this.#options.graceMs ?? GRACE_MS,
      now: () => clock.now(),
      onPicture: (picture, timeMs) => this.#receive({ ...picture, timeMs, number: ++this.#frames }),
    });
    this.#capture = capture;
    const watch = new AbortController();
    const stop = () => void capture.stop();
    signal.addEventListener('abort', stop, { once: true });
    const watching = this.#watchPictures(capture, AbortSignal.any([signal, watch.signal]));
    const end = await capture.ended;
    watch.abort();
    signal.removeEventListener('abort', stop);
    await watching;
    this.#capture = null;
    this.#newest = null; // A picture of an interrupted stream is no longer current.
    this.#lines = end.lines;
    return signal.aborted ? this.#ended(end) : await this.#explain(end, address);
  }

  /** Stops the capture when no picture came for too long. */
  async #watchPictures(capture: Capture, signal: AbortSignal): Promise<void> {
    const { clock, config } = this.#options;
    const stallMs = config.stallSeconds * 1000;
    const firstMs = stallMs + (this.#options.firstPictureMs ?? FIRST_PICTURE_MS);
    const started = clock.monotonic();
    while (!signal.aborted) {
      const since = this.#lastPicture === 0 ? started : this.#lastPicture;
      const left = since + (this.#lastPicture === 0 ? firstMs : stallMs) - clock.monotonic();
      if (left <= 0) {
        const seconds = Math.round((clock.monotonic() - since) / 1000);
        void capture.stop({ state: 'stalled', detail: `${this.#display}: no picture for ${seconds} s` });
        return;
      }
      await clock.sleep(Math.max(left, 20), signal).catch(() => {});
    }
  }

  #receive(frame: Frame): void {
    if (this.#held !== null) return;
    const superseded = this.#newest;
    if (superseded !== null) {
      this.#superseded++;
      this.#capture?.recycle(superseded.data);
    }
    this.#newest = frame;
    this.#lastPicture = this.#options.clock.monotonic();
    this.#captureRate.mark();
    this.#size = { width: frame.width, height: frame.height };
    if (this.#state.state !== 'streaming') {
      const size = `${frame.width}×${frame.height}`;
      this.#describe({ state: 'streaming', detail: `${size} from ${this.#display}` }, false);
    }
    this.#options.onFrame(this);
  }

  /** Finds the cause: what ffmpeg said, else what the network says, else what came out. */
  async #explain(end: CaptureEnd, address: CameraAddress): Promise<CameraFailure> {
    if (end.failure !== null) return end.failure;
    if (end.pictures > 0) return this.#ended(end);
    const probed = await probeAddress(address.host, address.port, 3000);
    const undecodable = end.lines.some((line) => /Error while decoding|Invalid NAL|\[fatal\]/.test(line));
    if (probed.state === 'stalled' && undecodable) {
      return { state: 'bad-stream', detail: `${address.display}: the video cannot be decoded` };
    }
    return probed;
  }

  #ended(end: CaptureEnd): CameraFailure {
    const detail = `${this.#display}: the camera ended the stream after ${end.pictures} pictures`;
    return { state: 'stalled', detail };
  }

  #describe(next: Described, always: boolean): void {
    if (!always && this.#state.state === next.state && this.#state.detail === next.detail) return;
    if (this.#state.state !== next.state) this.#since = this.#options.clock.now();
    this.#state = next;
    this.#options.onState(this);
  }
}
