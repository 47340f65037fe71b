import type { RunTimings } from '#fhe';
import type { AnsweredPicture } from '#protocol/envelope.ts';
import type { Opening } from '#protocol/opening.ts';
import type { Clock } from '#runtime/clock.ts';
import type { Logger } from '#runtime/log.ts';
import type { Camera } from '../camera/camera.ts';
import { CameraViews } from '../privacy/camera-views.ts';
import { type MaskedFrame, PrivacyFilter } from '../privacy/privacy-filter.ts';
import type { InterpreterHost } from './interpreter-host.ts';
import { fillPlaces, Job, type JobPart, type JobRun } from './job.ts';
import { groupRegions } from './region-groups.ts';
import { runToOpen } from './run-to-open.ts';
import type { Runner } from './runner.ts';

/** An encrypted answer, on its way to the outbox. */
export type Answer = AnsweredPicture & {
  /** Pictures of further cameras that it is about, too. */
  readonly others?: readonly AnsweredPicture[];
  /** Milliseconds since the epoch when the last of its pictures was prepared. */
  readonly preparedTimeMs: number;
  readonly readyTimeMs: number;
  readonly host: InterpreterHost;
  readonly timings: RunTimings & { readonly prepareMs: number };
  readonly ciphertext: Uint8Array;
  /** What it was computed from: whoever keeps it wipes it. Null for an answer of the reference interpreter. */
  readonly opening: Opening | null;
};

/** What the pipeline sees of a camera. */
export type FrameSource = Pick<Camera, 'name' | 'config' | 'hasFrame' | 'take' | 'markInference'> &
  Partial<Pick<Camera, 'recycle'>>;

export type PipelineOptions = {
  readonly site: string;
  readonly gateway: string;
  readonly cameras: readonly FrameSource[];
  readonly runner: Pick<Runner, 'host' | 'run'>;
  readonly clock: Clock;
  readonly log: Logger;
  /** Stores the answer, one at a time and in the order of pictures, while further ones are computed. False if it was lost (and reported). */
  readonly onAnswer: (answer: Answer) => Promise<boolean>;
  /** Sees each masked picture, for the aiming preview; its bytes change when this has returned. */
  readonly onMasked?: (camera: string, frame: MaskedFrame) => void;
  /** Whether somebody watches a camera's preview: its pictures are then masked even while no bundle is active. */
  readonly isWatched?: (camera: string) => boolean;
  /** Whether cameras may share a ciphertext now; by default they do not. */
  readonly sharesCiphertexts?: () => boolean;
};

/**
 * The capture keeps the rate to within this fraction; with less slack here, the pictures of a slightly fast camera would wait longer and longer
 * for their turn, up to a full interval.
 */
const RATE_SLACK = 0.95;

/**
 * So often each camera has a ciphertext to itself, in milliseconds. A picture that the network was not made for can spoil the others in its ciphertext, and only the backend could see
 * that, which must not tell: so this goes by the clock.
 */
const ALONE_MS = 10_000;
/** One by one all cameras take no more than a quarter of the time, however long a run takes. */
const ALONE_PART = 4;

/** Pictures whose answers may wait for the disk: as many as even out its moments, few enough to stay new where it is always slow. */
const WAITING_TO_BE_STORED = 4;

type Lane = {
  readonly camera: FrameSource;
  readonly filter: PrivacyFilter;
  readonly views: CameraViews;
  dueMs: number;
  /** When it had a ciphertext to itself last. */
  aloneMs: number;
};

/**
 * Takes pictures to the interpreter: cameras in turn, each at most at its rate, always the newest picture. As many runs are computed at a time as the interpreter
 * has lanes; meanwhile the next one is prepared and the last one's answer is stored. Where the network answers about several pictures at once, those of other cameras that are there
 * join the one whose turn it is until a lane is free; none is waited for. A picture that fails is counted and reported; it never stops the others.
 */
export class Pipeline {
  readonly #options: PipelineOptions;
  #lanes: readonly Lane[] = [];
  #turn = 0;
  #wake = Promise.withResolvers<void>();
  #answers = 0;
  #failures = 0;
  #progressMs: number;
  /** How long the last run took. */
  #runMs = 0;
  #bytesRead = 0;
  /** The picture that is being prepared, or is ready, while others are computed. */
  #ahead: Promise<Job<Lane> | null> | null = null;
  #computing = 0;
  /** Pictures that are computed, or whose answers are not stored yet. */
  #begun = 0;
  /** Resolves when the answers of all pictures so far are stored, or lost. */
  #stored: Promise<void> = Promise.resolve();

  constructor(options: PipelineOptions) {
    this.#options = options;
    this.#progressMs = options.clock.monotonic();
    this.setCameras(options.cameras);
  }

  /** Takes pictures of these cameras from now on; a camera that stays keeps its place and rate. */
  setCameras(cameras: readonly FrameSource[]): void {
    this.#lanes = cameras.map(
      (camera) =>
        this.#lanes.find((lane) => lane.camera === camera) ?? {
          camera,
          filter: new PrivacyFilter(camera.config.masks),
          views: new CameraViews(),
          dueMs: Number.NEGATIVE_INFINITY,
          aloneMs: Number.NEGATIVE_INFINITY,
        },
    );
    this.wake();
  }

  get counts(): { readonly answers: number; readonly failures: number } {
    return { answers: this.#answers, failures: this.#failures };
  }

  /**
   * For how many milliseconds the pipeline has been stuck; 0 while it has nothing to do. Feeds the
   * watchdog.
   */
  get stuckMs(): number {
    const now = this.#options.clock.monotonic();
    const { host } = this.#options.runner;
    // A picture may take minutes where its network is read from a slow disk.
    const bytesRead = host?.bytesRead ?? 0;
    if (bytesRead !== this.#bytesRead) this.#progressMs = now;
    this.#bytesRead = bytesRead;
    const idle = host === null || this.#lanes.every((lane) => !lane.camera.hasFrame);
    if (idle && this.#ahead === null && this.#begun === 0) this.#progressMs = now;
    return now - this.#progressMs;
  }

  /** Something changed: a new picture or a new interpreter. */
  wake(): void {
    this.#wake.resolve();
  }

  /** Runs until the signal ends it. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const wake = () => this.wake();
    signal.addEventListener('abort', wake, { once: true });
    while (!signal.aborted) {
      this.#wake = Promise.withResolvers<void>();
      this.#ahead ??= this.#takeNext(signal);
      if (this.#ahead === null) {
        await this.#idle(signal);
        continue;
      }
      this.#progressMs = clock.monotonic();
      const job = await this.#ahead;
      while (job !== null && !signal.aborted) {
        this.#wake = Promise.withResolvers<void>();
        await this.#fill(job, signal);
        const { lanes } = job.host;
        if (this.#computing < lanes && this.#begun < lanes + WAITING_TO_BE_STORED) break;
        await this.#wake.promise;
      }
      if (signal.aborted) break;
      this.#ahead = null;
      if (job !== null) this.#compute(job, signal);
      this.#progressMs = clock.monotonic();
    }
    signal.removeEventListener('abort', wake);
    (await this.#ahead)?.wipe();
    this.#ahead = null;
    await this.#stored;
  }

  #lost(lanes: Iterable<Lane>, error: unknown, signal: AbortSignal): null {
    for (const { camera } of lanes) {
      this.#failures++;
      if (!signal.aborted)
        this.#options.log.warn({ err: error, camera: camera.name }, 'a picture was lost on the way');
    }
    return null;
  }

  /** The next lane whose picture may be taken now. */
  #next(): Lane | null {
    const now = this.#options.clock.monotonic();
    for (let i = 0; i < this.#lanes.length; i++) {
      const index = (this.#turn + i) % this.#lanes.length;
      const lane = this.#lanes[index]!;
      if (this.#wanted(lane) && lane.dueMs <= now) {
        this.#turn = index + 1;
        return lane;
      }
    }
    return null;
  }

  #wanted(lane: Lane): boolean {
    const { runner, isWatched } = this.#options;
    return lane.camera.hasFrame && (runner.host !== null || isWatched?.(lane.camera.name) === true);
  }

  async #idle(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const due = Math.min(...this.#lanes.filter((lane) => this.#wanted(lane)).map((lane) => lane.dueMs));
    if (due === Number.POSITIVE_INFINITY) return this.#wake.promise;
    const done = new AbortController();
    const rested = clock.sleep(Math.max(1, due - clock.monotonic()), AbortSignal.any([signal, done.signal]));
    await Promise.race([this.#wake.promise, rested.catch(() => {})]);
    done.abort();
  }

  /** Begins to prepare the picture whose turn it is; null where there is none. What is begun never rejects. */
  #takeNext(signal: AbortSignal): Promise<Job<Lane> | null> | null {
    const lane = this.#next();
    return lane && this.#begin(lane).catch((error: unknown) => this.#lost([lane], error, signal));
  }

  async #begin(lane: Lane): Promise<Job<Lane> | null> {
    const prepared = await this.#prepare(lane);
    if (prepared === null) return null;
    const isAlone = !this.#shares(prepared.host) || this.#isAloneDue(lane);
    return new Job(lane, prepared.host, prepared.parts, isAlone);
  }

  /** Adds pictures of other cameras that are there, in turn, as far as there is room. Never rejects. */
  async #fill(job: Job<Lane>, signal: AbortSignal): Promise<void> {
    for (let i = 0; i < this.#lanes.length && !signal.aborted; i++) {
      const lane = this.#lanes[(this.#turn + i) % this.#lanes.length]!;
      if (!this.#mayJoin(job, lane)) continue;
      try {
        const prepared = await this.#prepare(lane);
        // Another network may have come meanwhile, which its cameras see next.
        if (prepared?.host === job.host) job.join(lane, prepared.parts[0]!);
        else for (const { pictures } of prepared?.parts ?? []) pictures.fill(0);
      } catch (error) {
        this.#lost([lane], error, signal);
      }
    }
  }

  #mayJoin(job: Job<Lane>, lane: Lane): boolean {
    const { runner, clock } = this.#options;
    if (job.isAlone || job.lanes.has(lane) || runner.host !== job.host) return false;
    if (!this.#wanted(lane) || lane.dueMs > clock.monotonic() || this.#isAloneDue(lane)) return false;
    // A camera that takes several runs has them for itself.
    const groups = groupRegions(lane.camera.config, job.host.regions);
    return groups.length === 1 && job.hasRoom(groups[0]!.rectangles.length);
  }

  #shares({ regions }: InterpreterHost): boolean {
    return regions > 1 && this.#options.sharesCiphertexts?.() === true;
  }

  #isAloneDue({ camera, aloneMs }: Lane): boolean {
    const everyMs = Math.max(ALONE_MS, ALONE_PART * this.#lanes.length * this.#runMs);
    return camera.config.alone === true || this.#options.clock.monotonic() - aloneMs >= everyMs;
  }

  /** Masks and shrinks the newest picture of a camera; null where no network is to see it. */
  async #prepare(
    lane: Lane,
  ): Promise<{ readonly host: InterpreterHost; readonly parts: readonly JobPart[] } | null> {
    const { runner, clock, onMasked } = this.#options;
    const { camera } = lane;
    const frame = camera.take();
    if (frame === null) return null;
    const started = clock.monotonic();
    lane.dueMs = Math.max(lane.dueMs + (RATE_SLACK * 1000) / camera.config.rate, started);
    const masked = lane.filter.apply(frame);
    onMasked?.(camera.name, masked);
    const host = runner.host;
    if (host === null) return null;
    let begun = started;
    const parts: JobPart[] = [];
    for (const { names, rectangles } of groupRegions(camera.config, host.regions)) {
      const places = rectangles.length;
      const pictures = await lane.views.prepare(masked, host.picture, rectangles, places);
      const about = {
        ...{ camera: camera.name, frameTimeMs: frame.timeMs },
        ...(names !== undefined && { regions: names }),
      };
      const prepareMs = clock.monotonic() - begun;
      parts.push({ about, pictures, places, prepareMs, preparedTimeMs: clock.now() });
      begun = clock.monotonic();
    }
    camera.recycle?.(frame);
    return { host, parts };
  }

  /** Begins to compute the answers of some pictures. */
  #compute(job: Job<Lane>, signal: AbortSignal): void {
    if (job.lanes.size === 1) for (const lane of job.lanes) lane.aloneMs = this.#options.clock.monotonic();
    this.#computing++;
    this.#begun++;
    const turn = this.#stored;
    const answered = this.#answer(job, turn).catch((error: unknown) => this.#lost(job.lanes, error, signal));
    this.#stored = Promise.all([turn, answered]).then(() => {
      this.#begun--;
      this.wake();
    });
  }

  /**
   * Resolves when the answers are stored.
   *
   * @param turn resolves when the answers of earlier pictures are stored: numbers keep the order of pictures
   */
  async #answer(job: Job<Lane>, turn: Promise<void>): Promise<void> {
    const stored: Promise<boolean>[] = [];
    try {
      for (const run of job.runs) {
        const answer = await this.#run(job.host, run);
        stored.push((stored.at(-1) ?? turn).then(() => this.#store(answer)));
      }
    } finally {
      job.wipe();
      this.#computing--;
      this.wake();
      await Promise.all(stored);
    }
    for (const { camera } of job.lanes) camera.markInference();
    if ((await Promise.all(stored)).every(Boolean)) this.#answers += job.lanes.size;
    else this.#failures += job.lanes.size;
  }

  async #run(host: InterpreterHost, run: JobRun): Promise<Answer> {
    const { site, gateway, runner, clock } = this.#options;
    const [first, ...others] = run.parts.map(({ about }) => about);
    const about = { ...first!, ...(others.length > 0 && { others }) };
    const place = { site, gateway, ...about, bundle: host.bundle.digest };
    const picture = fillPlaces(run, host.regions);
    const begunMs = clock.monotonic();
    const { timings, ...answer } = await runToOpen(runner, host, picture, place);
    this.#progressMs = clock.monotonic();
    this.#runMs = this.#progressMs - begunMs;
    const prepareMs = run.parts.reduce((sum, part) => sum + part.prepareMs, 0);
    const preparedTimeMs = Math.max(...run.parts.map((part) => part.preparedTimeMs));
    const readyTimeMs = clock.now();
    return { ...about, ...answer, preparedTimeMs, readyTimeMs, host, timings: { ...timings, prepareMs } };
  }

  async #store(answer: Answer): Promise<boolean> {
    const { log, onAnswer } = this.#options;
    try {
      return await onAnswer(answer);
    } catch (error) {
      log.warn({ err: error, camera: answer.camera }, 'an answer was lost on the way');
      return false;
    }
  }
}
