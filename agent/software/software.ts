import { decodeChunk } from '#protocol/chunk.ts';
import { BlindsightError, type ErrorCode } from '#protocol/errors.ts';
import type { JournalCode } from '#protocol/events.ts';
import type { ChunkRequest, LogEvent, Reported } from '#protocol/messages.ts';
import { softwareDigest } from '#protocol/software.ts';
import type { Clock } from '#runtime/clock.ts';
import { isDiskFull } from '#runtime/disk-full.ts';
import type { Logger } from '#runtime/log.ts';
import { RetryLadder } from '#runtime/retry.ts';
import { type CheckedSoftware, checkSoftware, type SoftwareContext } from './check-software.ts';
import { type Condition, conditionBefore } from './health-gate.ts';
import { Installer } from './installer.ts';
import type { LaunchPlace } from './launch-place.ts';
import { prove } from './prove.ts';
import { Slots } from './slots.ts';
import { givenUp, type Slot, SoftwareStateFile } from './software-state.ts';

type Report = NonNullable<Reported['software']>;
type Reason = NonNullable<Report['error']>;
type Parts = {
  /** Where this program is. */
  readonly own: LaunchPlace['slot'];
  readonly state: SoftwareStateFile;
  readonly slots: Slots;
  readonly installer: Installer;
};

export type SoftwareOptions = Omit<SoftwareContext, 'freeMemory' | 'platform'> & {
  /** Null without a launcher: then updates are refused. */
  readonly place: LaunchPlace | null;
  /** Of this program. */
  readonly version: string;
  /** Ends this process in peace; the launcher starts the next. @throws Error where nothing would start it */
  readonly restart: () => void;
  readonly clock: Clock;
  readonly log: Logger;
  readonly platform?: string;
  readonly freeMemory?: () => number;
  /** Time that a new program has to prove itself. */
  readonly limitMs?: number;
  readonly graceMs?: number;
  readonly retryMs?: readonly number[];
  readonly reserveBytes?: number;
};

/** What an update asks of the gateway around it. */
export type SoftwareHost = {
  readonly request: (request: ChunkRequest) => void;
  readonly condition: () => Condition;
  readonly proveLink: () => Promise<boolean>;
  readonly onReport: () => void;
  readonly onEvent: (level: LogEvent['level'], code: JournalCode, message: string) => void;
};

const LIMIT_MS = 300_000;
/** For the start of the program on a slow machine, before its time begins. */
const GRACE_MS = 60_000;
const RETRY_MS = [60_000, 300_000, 900_000, 3_600_000];
const PROGRESS_MS = 1_000;
const MAX_FINAL = 16;
/** A disk that damages a release this often will do so again; each time costs the cameras a restart. */
const MOST_TIMES = 3;
/** Failures that may pass by themselves; all others are the release's fault and final until another one comes. */
const PASSING: readonly string[] = [
  'SOFTWARE_DIGEST',
  'SOFTWARE_UNAVAILABLE',
  'SOFTWARE_NO_ROOM',
  'SOFTWARE_MEMORY',
  'SOFTWARE_DAMAGED',
] satisfies ErrorCode[];

/** Failures that other owner keys, or a fresh timestamp, may put right. */
const TRUSTED: readonly string[] = [
  'SOFTWARE_SIGNATURE',
  'TRUST_STALE',
  'TRUST_OLD',
  'TRUST_EXPIRED',
] satisfies ErrorCode[];

/**
 * Updates of the gateway's own program: a signed release is checked, fetched and unpacked into the slot that nobody needs, and the process ends for the launcher to try it.
 * There this same code proves that everything is as well as before, and only then the slot is what is started from now on.
 */
export class Software {
  readonly #options: SoftwareOptions;
  readonly #context: SoftwareContext;
  #host: SoftwareHost | null = null;
  readonly #parts: Parts | null;
  #status: Report['status'] = 'none';
  #subject: string | null = null;
  #error: Report['error'] = null;
  #progress = 0;
  #reportedMs = Number.NEGATIVE_INFINITY;
  #job: { readonly digest: string; readonly stop: AbortController } | null = null;
  /** The release that came last. */
  #newest: Uint8Array = new Uint8Array();
  /** The newest release that the gate refused while the job ran. */
  #refusedMeanwhile: Uint8Array | null = null;
  #last: Promise<void> = Promise.resolve();
  readonly #final = new Map<string, Reason>();
  /** Until it is decided, what would be overwritten is what there is to go back to. */
  readonly #decided = Promise.withResolvers<void>();
  readonly #closing = new AbortController();

  private constructor(options: SoftwareOptions, state: SoftwareStateFile | null) {
    const { place } = options;
    this.#options = options;
    this.#context = {
      platform: `${process.platform}-${process.arch}`,
      freeMemory: () => process.availableMemory(),
      ...options,
    };
    if (place === null || state === null) {
      this.#parts = null;
      return;
    }
    const slots = new Slots(place.folder, options.ownerKeys);
    const { clock, reserveBytes } = options;
    const request = (request: ChunkRequest) => this.#host?.request(request);
    const onProgress = (progress: number) => this.#advance(progress);
    const installer = new Installer({
      ...{ slots, request, clock, onProgress },
      ...(reserveBytes !== undefined && { reserveBytes }),
    });
    this.#parts = { own: place.slot, state, slots, installer };
    this.#begin(this.#parts);
  }

  static async open(options: SoftwareOptions): Promise<Software> {
    const { place, ownerKeys } = options;
    const recover = (folder: string) => new Slots(folder, ownerKeys).recover();
    const state = place && (await SoftwareStateFile.open(place.folder, () => recover(place.folder)));
    return new Software(options, state);
  }

  /** Joins it with the gateway. */
  connect(host: SoftwareHost): void {
    this.#host = host;
  }

  get report(): Report {
    const { version } = this.#options;
    const { platform } = this.#context;
    return {
      status: this.#status,
      version,
      platform,
      counter: this.#parts?.state.current.counter ?? 0,
      progress: Math.min(1, this.#progress),
      subject: this.#subject,
      error: this.#error,
    };
  }

  /** Proves this program, if it is on trial; resolves when that is decided, or at once. */
  async run(signal: AbortSignal): Promise<void> {
    const parts = this.#parts;
    if (parts === null) return;
    const either = AbortSignal.any([signal, this.#closing.signal]);
    try {
      await this.#settle(parts);
      const { trial } = parts.state.current;
      if (trial === null || trial.slot !== parts.own) return this.#decided.resolve();
      const { clock, log, version } = this.#options;
      const { state, slots } = parts;
      const condition = () => this.#condition;
      const proveLink = () => this.#proveLink();
      if (!(await prove({ state, slots, trial, condition, proveLink, clock, log }, either)))
        return this.#restart();
      this.#set('active', trial.digest);
      this.#say('info', 'SOFTWARE_ACTIVE', `version ${version} runs`);
      this.#decided.resolve();
    } catch (error) {
      if (!either.aborted) throw error;
    }
  }

  /** A release came; the retained one comes again on every connection. */
  receive(wire: Uint8Array): void {
    this.#newest = wire;
    if (wire.length === 0) return;
    const digest = softwareDigest(wire);
    if (this.#job?.digest === digest) {
      this.#refusedMeanwhile = null;
      return;
    }
    const refusal = this.#job === null ? null : this.#gate(wire);
    // What the gate refuses must not end the work on a release that passed it: its turn is afterwards.
    this.#refusedMeanwhile = refusal === null ? null : wire;
    if (refusal !== null) {
      this.#tell(digest, refusal);
      return;
    }
    this.#job?.stop.abort();
    const job = { digest, stop: new AbortController() };
    this.#job = job;
    this.#last = this.#last
      .then(() => this.#deploy(wire, digest, AbortSignal.any([job.stop.signal, this.#closing.signal])))
      .catch((error: unknown) =>
        this.#options.log.error({ err: error }, 'an update failed in an unexpected way'),
      )
      .finally(() => {
        if (this.#job !== job) return;
        this.#job = null;
        if (this.#refusedMeanwhile !== null) this.receive(this.#refusedMeanwhile);
      });
  }

  /** Owner keys or the newest counters are other ones now: what was refused for them has another turn, and work on what would be refused ends. */
  trustChanged(): void {
    for (const [digest, { code }] of this.#final) if (TRUSTED.includes(code)) this.#final.delete(digest);
    const wire = this.#newest;
    if (wire.length === 0) return;
    const refusal = this.#job?.digest === softwareDigest(wire) ? this.#gate(wire) : null;
    if (refusal !== null && TRUSTED.includes(refusal.code)) {
      this.#job?.stop.abort();
      this.#job = null;
    }
    this.receive(wire);
  }

  receiveChunk(wire: Uint8Array): void {
    if (this.#status !== 'fetching') return;
    try {
      this.#parts?.installer.receive(decodeChunk(wire));
    } catch (error) {
      this.#options.log.warn({ err: error }, 'a chunk was ignored');
    }
  }

  backendUp(): void {
    this.#parts?.installer.backendUp();
  }

  /** There is a link: what happened while there was none is told once. */
  linkUp(): void {
    const state = this.#parts?.state;
    const { news = null } = state?.current ?? {};
    if (state === undefined || news === null) return;
    this.#host?.onEvent('error', news.code as JournalCode, news.message.slice(0, 1000));
    void state.update({ news: null }).catch(() => {});
  }

  #restart(): void {
    const { restart, log } = this.#options;
    try {
      restart();
    } catch (error) {
      log.error({ err: error }, 'the launcher has another program to start: end this one');
    }
  }

  get #condition(): Condition {
    return this.#host?.condition() ?? { streaming: [], wanted: [], answers: 0 };
  }

  async #proveLink(): Promise<boolean> {
    return (await this.#host?.proveLink()) ?? false;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#last;
  }

  #begin({ own, state: { current } }: Parts): void {
    const { trial, active, takenBack } = current;
    if (trial !== null && trial.slot === own) this.#set('testing', trial.digest);
    else if (takenBack !== null && takenBack.digest === current.counterOf) {
      const { code, message } = takenBack;
      this.#set('rolled-back', takenBack.digest, { code, message: message.slice(0, 500) });
    } else if (active !== null && active.slot === own) this.#set('active', active.digest);
  }

  /** Makes up for what the launcher could not write, and removes what is not needed any more. */
  async #settle({ own, state, slots, installer }: Parts): Promise<void> {
    const { log } = this.#options;
    const { trial, active, previous } = state.current;
    const change = {
      ...(trial !== null &&
        trial.slot !== own &&
        givenUp(state.current, 'SOFTWARE_NO_ROOM', 'the launcher could not note that it tried it')),
      // It was started in place of the active one.
      ...(active?.slot !== own && previous?.slot === own && { active: previous, previous: null }),
    };
    try {
      if (Object.keys(change).length > 0) await state.update(change);
      const { active: now, takenBack } = state.current;
      const needless = [trial, now, takenBack].map((place) => place?.digest);
      for (const digest of needless) if (digest !== undefined) await installer.drop(digest);
      if (now?.slot === own) await slots.keepRelease(now);
    } catch (error) {
      log.warn({ err: error }, 'the folder of updates could not be tidied');
    }
  }

  #gate(wire: Uint8Array): BlindsightError | null {
    try {
      this.#check(wire);
      return null;
    } catch (error) {
      return asError(error);
    }
  }

  #check(wire: Uint8Array): CheckedSoftware & { readonly parts: Parts } {
    const parts = this.#parts;
    if (parts === null)
      throw new BlindsightError(
        'SOFTWARE_NO_LAUNCHER',
        'this gateway was not started by the launcher, which alone can try another program',
      );
    return { ...checkSoftware(wire, parts.state.current, this.#context), parts };
  }

  async #deploy(wire: Uint8Array, digest: string, signal: AbortSignal): Promise<void> {
    const ladder = new RetryLadder(this.#options.retryMs ?? RETRY_MS);
    while (!signal.aborted) {
      try {
        const final = this.#final.get(digest);
        if (final !== undefined) return this.#refused(digest, final);
        const { parts, ...checked } = this.#check(wire);
        if (this.#isDecided(digest)) return;
        await Promise.race([this.#decided.promise, aborted(signal)]);
        if (await this.#adopt(parts, checked, wire)) return;
        return await this.#install(parts, checked, wire, signal);
      } catch (error) {
        if (signal.aborted) return;
        const refusal = asError(error);
        this.#refused(digest, { code: refusal.code, message: refusal.message.slice(0, 500) });
        this.#tell(digest, refusal);
        if (!PASSING.includes(refusal.code)) return;
        await this.#options.clock.sleep(ladder.next(), signal).catch(() => {});
      }
    }
  }

  /** Whether it runs, is on trial or was taken back: then there is nothing to do but to say so. */
  #isDecided(digest: string): boolean {
    const { own, state } = this.#parts ?? {};
    const { trial, active, takenBack } = state?.current ?? {};
    if (trial?.digest === digest && trial.slot === own) return true;
    if (active?.digest === digest && active.slot === own) {
      this.#set('active', digest);
      this.#host?.onReport();
      return true;
    }
    if (takenBack?.digest !== digest) return false;
    if (PASSING.includes(takenBack.code) && takenBack.times < MOST_TIMES) return false;
    const { code, message } = takenBack;
    this.#set('rolled-back', digest, { code, message: message.slice(0, 500) });
    this.#host?.onReport();
    return true;
  }

  /** A release of exactly the program that runs, signed anew: only its name and counter are new. @returns whether it is one */
  async #adopt(parts: Parts, { digest, manifest }: CheckedSoftware, wire: Uint8Array): Promise<boolean> {
    const { own, state, slots } = parts;
    const { active } = state.current;
    if (own === 'base' || active?.slot !== own) return false;
    if ((await slots.contentsOf(own)) !== manifest.contents) return false;
    await slots.finish(own, wire);
    const { counter } = manifest;
    await state.update({ active: { slot: own, digest }, counter, counterOf: digest, takenBack: null });
    await slots.keepRelease({ slot: own, digest }).catch(() => {});
    this.#set('active', digest);
    this.#host?.onReport();
    return true;
  }

  async #install(
    { own, state, installer }: Parts,
    checked: CheckedSoftware,
    wire: Uint8Array,
    signal: AbortSignal,
  ): Promise<void> {
    const { log, limitMs = LIMIT_MS, graceMs = GRACE_MS } = this.#options;
    const { digest, manifest } = checked;
    const slot: Slot = own === 'a' ? 'b' : 'a';
    log.info({ release: digest, version: manifest.version, slot }, 'new release of this program');
    this.#set('fetching', digest);
    this.#host?.onReport();
    const { active, previous } = state.current;
    // What is overwritten must be named nowhere.
    const without = (other: typeof active) => (other?.slot === slot ? null : other);
    await state.update({ active: without(active), previous: without(previous), trial: null });
    await installer.install(checked, wire, slot, signal);
    signal.throwIfAborted();
    const before = conditionBefore(this.#condition);
    await state.update({
      counter: Math.max(manifest.counter, state.current.counter),
      counterOf: digest,
      trial: { slot, digest, tries: 0, limitMs, graceMs, before },
    });
    await installer.keep(null).catch(() => {});
    this.#set('testing', digest);
    log.info({ slot, before }, 'the new program is in its slot: this one ends, and the launcher tries it');
    await this.#proveLink();
    this.#restart();
  }

  #refused(digest: string, reason: Reason): void {
    this.#set('refused', digest, reason);
    this.#host?.onReport();
  }

  /** Says a refusal to log and site, a final one once. */
  #tell(digest: string, error: BlindsightError): void {
    const { log } = this.#options;
    if (this.#final.has(digest)) return;
    if (!PASSING.includes(error.code)) {
      this.#final.set(digest, { code: error.code, message: error.message.slice(0, 500) });
      const [oldest] = this.#final.keys();
      if (this.#final.size > MAX_FINAL && oldest !== undefined) this.#final.delete(oldest);
    }
    log.warn({ code: error.code, release: digest }, `update refused: ${error.message}`);
    this.#host?.onEvent('error', error.code, `update refused: ${error.message}`.slice(0, 1000));
  }

  #say(level: LogEvent['level'], code: JournalCode, message: string): void {
    this.#host?.onReport();
    this.#host?.onEvent(level, code, message);
  }

  #set(status: Report['status'], subject: string, error: Report['error'] = null): void {
    this.#status = status;
    this.#subject = subject;
    this.#error = error;
    this.#progress = status === 'active' || status === 'testing' ? 1 : 0;
  }

  #advance(progress: number): void {
    this.#progress = progress;
    const now = this.#options.clock.monotonic();
    if (now - this.#reportedMs < PROGRESS_MS) return;
    this.#reportedMs = now;
    this.#host?.onReport();
  }
}

/** Rejects when the signal aborts. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

function asError(error: unknown): BlindsightError {
  if (error instanceof BlindsightError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const code = isDiskFull(error) ? 'SOFTWARE_NO_ROOM' : 'SOFTWARE_UNAVAILABLE';
  return new BlindsightError(code, message, { cause: error });
}
