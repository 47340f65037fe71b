import { decodeChunk } from '#protocol/chunk.ts';
import { BlindsightError, type ErrorCode } from '#protocol/errors.ts';
import type { JournalCode } from '#protocol/events.ts';
import { type Manifest, manifestDigest } from '#protocol/manifest.ts';
import type { ChunkRequest, LogEvent, Reported } from '#protocol/messages.ts';
import type { Clock } from '#runtime/clock.ts';
import type { Logger } from '#runtime/log.ts';
import { RetryLadder } from '#runtime/retry.ts';
import type { Bundle } from '../inference/bundle.ts';
import type { InterpreterHost } from '../inference/interpreter-host.ts';
import type { Newcomer } from '../trust/trust.ts';
import type { BundleStore } from './bundle-store.ts';
import { type CheckedManifest, checkManifest, checkOwner, type ManifestOwner } from './check-manifest.ts';
import { PartFetcher } from './part-fetcher.ts';
import type { RolloutState, RolloutStateFile } from './rollout-state.ts';

type Status = Reported['bundle']['status'];

export type RolloutOptions = ManifestOwner & {
  /** The gate for what was never accepted before: freshness. Throws. */
  readonly admit?: (newcomer: Newcomer) => void;
  /** Whether there is memory for it; throws where there is none. */
  readonly checkRoom?: (manifest: Manifest) => void;
  readonly store: BundleStore;
  readonly stateFile: RolloutStateFile;
  /** Loads a bundle in a thread of its own. */
  readonly open: (bundle: Bundle, selfTest: boolean, signal: AbortSignal) => Promise<InterpreterHost>;
  /** Hands a tested interpreter over to the pipeline. */
  readonly activate: (host: InterpreterHost) => Promise<void>;
  /** Ends the interpreter that runs: its bundle lost its owner's word. */
  readonly deactivate: () => Promise<void>;
  readonly request: (request: ChunkRequest) => void;
  readonly clock: Clock;
  readonly log: Logger;
  /** Called when {@link Rollout.report} changed. */
  readonly onReport: () => void;
  readonly onEvent: (level: LogEvent['level'], code: JournalCode, message: string) => void;
  readonly retryMs?: readonly number[];
};

/** Failures that may pass by themselves; all others are the bundle's fault and final until another one is released. */
const PASSING: readonly ErrorCode[] = ['BUNDLE_DIGEST', 'BUNDLE_UNAVAILABLE'];
/** What the machine lacks, and not the bundle: its files stay for the next attempt. */
const OF_MACHINE: readonly ErrorCode[] = ['FHE_DISK', 'FHE_MEMORY', 'NETWORK_MEMORY'];
/** Failures that other owner keys or a fresh timestamp may put right. */
const OF_TRUST: readonly ErrorCode[] = ['BUNDLE_SIGNATURE', 'TRUST_STALE', 'TRUST_OLD', 'TRUST_EXPIRED'];
const CURABLE: readonly string[] = [...OF_MACHINE, ...OF_TRUST];
const RETRY_MS = [30_000, 60_000, 300_000, 900_000];
const PROGRESS_MS = 1_000;
/** Refusals that are remembered; forged manifests must not fill the memory. */
const MAX_FINAL = 16;

/**
 * Brings bundles into service: a signed manifest is checked, its parts are fetched piece by piece, the bundle is tested in
 * its own thread next to the working one, and goes live by replacing one small file. A bundle that
 * fails is rolled back to the one before it, and is not tried again.
 */
export class Rollout {
  readonly #options: RolloutOptions;
  #status: Status = 'none';
  #subject: string | null = null;
  #progress = 0;
  #error: Reported['bundle']['error'] = null;
  #fetcher: PartFetcher | null = null;
  #job: { readonly digest: string; readonly stop: AbortController } | null = null;
  #jobWire: Uint8Array | null = null;
  /** The manifest that came last. */
  #newest: Uint8Array = new Uint8Array();
  /** The newest manifest that the gate refused while the job ran. */
  #refusedMeanwhile: Uint8Array | null = null;
  #last: Promise<void> = Promise.resolve();
  #reportedMs = Number.NEGATIVE_INFINITY;
  readonly #final = new Map<string, BlindsightError>();
  readonly #closing = new AbortController();
  /** Whether the bundle that ran had to end before the one that was installed last could be tested. */
  #hadToStop = false;
  /** Why the active bundle was ended or not started; null since one was last handed over. */
  #whyIdle: ErrorCode | null = null;
  /** Aborts when the disk need not be tried again. */
  #diskWatch = new AbortController();
  readonly #diskLadder: RetryLadder;

  constructor(options: RolloutOptions) {
    this.#options = options;
    this.#diskLadder = new RetryLadder(options.retryMs ?? RETRY_MS);
  }

  /** What the gateway says about its bundle. */
  get report(): Reported['bundle'] {
    const { active, previous, counter } = this.#state;
    return {
      status: this.#status,
      active,
      previous,
      counter,
      progress: Math.min(1, this.#progress),
      subject: this.#subject,
      error: this.#error,
    };
  }

  /** Loads the active bundle, or the one before it where that fails. */
  start(): Promise<void> {
    return this.#enqueue(async () => {
      const { store } = this.#options;
      const { active, previous } = this.#state;
      await store.keep([active, previous, ...(await store.partials())]);
      if (active === null) return this.#say('none', null);
      try {
        await this.#load(active);
        this.#say('active', active);
      } catch (error) {
        if (!this.#closing.signal.aborted) await this.#fallBack(active, asBlindsightError(error));
      }
    });
  }

  /** A manifest came; the retained one comes again on every connection. */
  receiveManifest(wire: Uint8Array): void {
    this.#newest = wire;
    if (wire.length === 0) return;
    const digest = manifestDigest(wire);
    if (this.#job?.digest === digest) {
      this.#refusedMeanwhile = null;
      return;
    }
    const refusal = this.#job === null ? null : this.#gate(wire);
    // What the gate refuses must not end the work on a bundle that passed it: its turn is afterwards.
    this.#refusedMeanwhile = refusal === null ? null : wire;
    if (refusal !== null) {
      this.#tellRefusal(digest, refusal);
      return;
    }
    this.#job?.stop.abort();
    const job = { digest, stop: new AbortController() };
    this.#job = job;
    this.#jobWire = wire;
    void this.#enqueue(async () => {
      try {
        await this.#deploy(wire, digest, AbortSignal.any([job.stop.signal, this.#closing.signal]));
      } finally {
        if (this.#job === job) {
          this.#job = null;
          if (this.#refusedMeanwhile !== null) this.receiveManifest(this.#refusedMeanwhile);
        }
      }
    });
  }

  /**
   * Owner keys or the newest counters, or the room in memory or on the disk, are other ones now: what was refused for them has another turn, work on what would be
   * refused now ends, and a bundle that the owner's keys no longer vouch for ends at once.
   */
  reconsider(changed: 'trust' | 'machine'): void {
    const cured: readonly string[] = changed === 'trust' ? OF_TRUST : OF_MACHINE;
    for (const [digest, { code }] of this.#final) if (cured.includes(code)) this.#final.delete(digest);
    if (this.#job !== null && this.#jobWire !== null && this.#gate(this.#jobWire) !== null) {
      this.#job.stop.abort();
      this.#job = null;
    }
    void this.#enqueue(() => this.#vouchAgain(cured));
    if (this.#newest.length > 0) this.receiveManifest(this.#newest);
  }

  receiveChunk(wire: Uint8Array): void {
    if (this.#fetcher === null) return;
    try {
      const chunk = decodeChunk(wire);
      if (chunk.bundle === this.#subject) this.#fetcher.receive(chunk);
    } catch (error) {
      this.#options.log.warn({ err: error }, 'a chunk was ignored');
    }
  }

  /** The backend can be asked again. */
  backendUp(): void {
    this.#fetcher?.restart();
  }

  /** The active bundle keeps failing: rolls it back. */
  rollBack(bundle: Bundle, reason: Error): void {
    const isOfMachine = reason instanceof BlindsightError && OF_MACHINE.includes(reason.code);
    const error = isOfMachine ? reason : new BlindsightError('BUNDLE_CRASHED', reason.message);
    void this.#enqueue(async () => {
      if (this.#closing.signal.aborted || this.#state.active !== bundle.digest) return;
      await this.#fallBack(bundle.digest, error);
    });
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#last;
  }

  get #state(): RolloutState {
    return this.#options.stateFile.current;
  }

  #enqueue(task: () => Promise<void>): Promise<void> {
    this.#last = this.#last.then(task).catch((error: unknown) => {
      this.#options.log.error({ err: error }, 'the rollout failed in an unexpected way');
    });
    return this.#last;
  }

  /** @returns why a manifest does not pass, or null. */
  #gate(wire: Uint8Array): BlindsightError | null {
    try {
      this.#check(wire);
      return null;
    } catch (error) {
      return asBlindsightError(error);
    }
  }

  #check(wire: Uint8Array): CheckedManifest {
    const { stateFile } = this.#options;
    const checked = checkManifest(wire, { ...this.#options, state: this.#state, floor: stateFile.floor });
    this.#options.checkRoom?.(checked.manifest);
    return checked;
  }

  /** What runs, or should, against the keys of now. */
  async #vouchAgain(cured: readonly string[]): Promise<void> {
    const { active } = this.#state;
    if (active === null || this.#closing.signal.aborted) return;
    try {
      await this.#find(active);
      // One that did not start, or gave up, for want of keys, memory or disk, also where another one was refused since.
      const isRefused = this.#status === 'refused' && this.#subject === active;
      const reason = isRefused ? this.#error?.code : this.#whyIdle;
      if (cured.includes(reason ?? '')) {
        await this.#options.deactivate();
        await this.#load(active);
        this.#say('active', active);
      }
    } catch (error) {
      if (this.#closing.signal.aborted) return;
      await this.#options.deactivate();
      await this.#fallBack(active, asBlindsightError(error));
    }
  }

  /** A bundle on disk that the owner vouches for, or null. */
  #find(digest: string): Promise<Bundle | null> {
    return this.#options.store.find(digest, (decoded) => checkOwner(decoded, this.#options));
  }

  async #deploy(wire: Uint8Array, digest: string, signal: AbortSignal): Promise<void> {
    const { rolledBack, active } = this.#state;
    const ladder = new RetryLadder(this.#options.retryMs ?? RETRY_MS);
    while (!signal.aborted) {
      try {
        const final = this.#final.get(digest);
        if (final !== undefined) throw final;
        const checked = this.#check(wire);
        if (digest === active && this.#status === 'active') return this.#say('active', digest);
        if (rolledBack?.digest === digest) {
          return this.#say('rolled-back', digest, { code: rolledBack.code, message: rolledBack.message });
        }
        return await this.#install(checked, wire, signal);
      } catch (error) {
        if (signal.aborted) return;
        const refusal = asBlindsightError(error);
        await this.#refuse(digest, refusal);
        if (!PASSING.includes(refusal.code)) return;
        await this.#options.clock.sleep(ladder.next(), signal).catch(() => {});
      }
    }
  }

  async #install(checked: CheckedManifest, wire: Uint8Array, signal: AbortSignal): Promise<void> {
    this.#hadToStop = false;
    try {
      await this.#bringIn(checked, wire, signal);
      this.#hadToStop = false;
    } catch (error) {
      await this.#bringBack();
      throw error;
    }
  }

  async #bringIn(checked: CheckedManifest, wire: Uint8Array, signal: AbortSignal): Promise<void> {
    const { store, stateFile, onEvent } = this.#options;
    const { digest, manifest } = checked;
    this.#options.log.info(
      { bundle: digest, model: manifest.model, counter: manifest.counter },
      'new bundle',
    );
    const host = (await this.#reopen(digest, signal)) ?? (await this.#fetchAndTest(checked, wire, signal));
    const { active, counter } = this.#state;
    try {
      // Again: the key that signed it may have been taken back while it was fetched.
      this.#check(wire);
      await stateFile.update({
        active: digest,
        previous: active === digest ? this.#state.previous : active,
        counter: Math.max(manifest.counter, counter),
        counterOf: digest,
        rolledBack: null,
      });
    } catch (error) {
      await host.close();
      throw error;
    }
    await this.#activate(host);
    this.#say('active', digest);
    onEvent('info', 'BUNDLE_ACTIVE', `${manifest.model} version ${manifest.modelVersion} is active`);
    await store.keep([this.#state.active, this.#state.previous]);
  }

  /** The bundle may be on disk already, after an activation that a crash cut short; damaged files are fetched again. */
  async #reopen(digest: string, signal: AbortSignal): Promise<InterpreterHost | null> {
    const { store } = this.#options;
    const bundle = await this.#find(digest);
    if (bundle === null) return null;
    this.#say('testing', digest);
    try {
      return await this.#test(bundle, signal);
    } catch (error) {
      if (asBlindsightError(error).code !== 'BUNDLE_DIGEST') throw error;
      await this.#bringBack();
      await store.remove(digest);
      return null;
    }
  }

  async #fetchAndTest(
    checked: CheckedManifest,
    wire: Uint8Array,
    signal: AbortSignal,
  ): Promise<InterpreterHost> {
    const { store } = this.#options;
    this.#say('fetching', checked.digest);
    const { active, previous } = this.#state;
    await this.#fetch(checked, await store.begin(checked, [active, previous]), signal);
    const bundle = await store.finish(checked, wire);
    this.#say('testing', checked.digest);
    return this.#test(bundle, signal);
  }

  /** Opens a bundle beside the one that runs, or in its place where there is no memory for both. */
  async #test(bundle: Bundle, signal: AbortSignal): Promise<InterpreterHost> {
    const { open, deactivate, log } = this.#options;
    try {
      return await open(bundle, true, signal);
    } catch (error) {
      if (asBlindsightError(error).code !== 'NETWORK_MEMORY') throw error;
    }
    log.info(
      { bundle: bundle.digest },
      'no memory for two networks: the one that runs ends before this one is tested',
    );
    this.#hadToStop = true;
    this.#whyIdle = 'NETWORK_MEMORY';
    await deactivate();
    return open(bundle, true, signal);
  }

  /** Starts what was ended for a bundle that failed, unless it runs again. */
  async #bringBack(): Promise<void> {
    const { active } = this.#state;
    if (!this.#hadToStop || this.#whyIdle === null) return;
    if (active === null || this.#closing.signal.aborted) return;
    try {
      await this.#load(active);
    } catch (error) {
      if (!this.#closing.signal.aborted) await this.#fallBack(active, asBlindsightError(error));
    }
  }

  async #fetch(checked: CheckedManifest, directory: string, signal: AbortSignal): Promise<void> {
    const { parts } = checked.manifest;
    const total = parts.reduce((sum, part) => sum + part.bytes, 0);
    let before = 0;
    for (const part of parts) {
      this.#fetcher = new PartFetcher({
        bundle: checked.digest,
        directory,
        part,
        request: this.#options.request,
        clock: this.#options.clock,
        onProgress: (bytes) => this.#advance((before + bytes) / total),
      });
      try {
        await this.#fetcher.run(signal);
      } finally {
        this.#fetcher = null;
      }
      before += part.bytes;
    }
  }

  async #refuse(digest: string, error: BlindsightError): Promise<void> {
    const { store } = this.#options;
    const { active, previous } = this.#state;
    const isKept = digest === active || digest === previous || OF_MACHINE.includes(error.code);
    if (!isKept) await store.remove(digest);
    this.#say('refused', digest, { code: error.code, message: error.message.slice(0, 500) });
    this.#tellRefusal(digest, error);
  }

  /** Says a refusal to log and backend, a final one once. */
  #tellRefusal(digest: string, error: BlindsightError): void {
    const { log, onEvent } = this.#options;
    if (this.#final.has(digest)) return;
    if (!PASSING.includes(error.code)) {
      this.#final.set(digest, error);
      const [oldest] = this.#final.keys();
      if (this.#final.size > MAX_FINAL && oldest !== undefined) this.#final.delete(oldest);
    }
    log.warn({ code: error.code, bundle: digest }, `bundle refused: ${error.message}`);
    onEvent('error', error.code, `bundle refused: ${error.message}`.slice(0, 1000));
  }

  /** Goes back to the previous bundle; where there is none, the active one stays and is tried on. */
  async #fallBack(failed: string, error: BlindsightError): Promise<void> {
    const { log, onEvent, stateFile } = this.#options;
    const { previous } = this.#state;
    const reported = { code: error.code, message: error.message.slice(0, 500) };
    log.error({ code: error.code, bundle: failed }, `the active bundle does not work: ${error.message}`);
    onEvent('error', error.code, `the active bundle does not work: ${error.message}`.slice(0, 1000));
    // Damaged files are not the bundle's fault: it may be fetched again.
    const damaged = PASSING.includes(error.code);
    const rolledBack =
      damaged || CURABLE.includes(error.code) ? null : { digest: failed, ...reported, code: error.code };
    if (previous !== null) {
      try {
        await this.#load(previous);
        await stateFile.update({ active: previous, previous: null, rolledBack });
        return this.#say('rolled-back', failed, reported);
      } catch (cause) {
        if (this.#closing.signal.aborted) return;
        log.error({ err: cause, bundle: previous }, 'the previous bundle cannot be loaded either');
      }
    }
    this.#whyIdle = error.code;
    if (damaged) await stateFile.update({ active: null, previous: null });
    this.#say('refused', failed, reported);
  }

  async #load(digest: string): Promise<void> {
    const { open } = this.#options;
    const bundle = await this.#find(digest);
    if (bundle === null) throw new BlindsightError('BUNDLE_DIGEST', `bundle ${digest} is not on disk`);
    this.#options.checkRoom?.(bundle.manifest);
    await this.#activate(await open(bundle, false, this.#closing.signal));
  }

  async #activate(host: InterpreterHost): Promise<void> {
    await this.#options.activate(host);
    this.#whyIdle = null;
  }

  #advance(progress: number): void {
    this.#progress = progress;
    const now = this.#options.clock.monotonic();
    if (now - this.#reportedMs < PROGRESS_MS) return;
    this.#reportedMs = now;
    this.#options.onReport();
  }

  #say(status: Status, subject: string | null, error: Reported['bundle']['error'] = null): void {
    this.#status = status;
    this.#subject = subject;
    this.#error = error;
    this.#progress = status === 'active' || status === 'testing' ? 1 : 0;
    const wouldEnd = this.#hadToStop && this.#whyIdle === null;
    if (error?.code === 'FHE_DISK' && !wouldEnd) this.#watchDisk();
    else if (status === 'active') this.#forgetDisk();
    this.#options.onReport();
  }

  /** Nobody says when a disk has room again, or is there again: it is tried now and then, unless something would have to end for it. */
  #watchDisk(): void {
    this.#diskWatch.abort();
    this.#diskWatch = new AbortController();
    const signal = AbortSignal.any([this.#diskWatch.signal, this.#closing.signal]);
    const waited = this.#options.clock.sleep(this.#diskLadder.next(), signal);
    waited.then(() => this.reconsider('machine')).catch(() => {});
  }

  #forgetDisk(): void {
    this.#diskWatch.abort();
    this.#diskLadder.reset();
  }
}

function asBlindsightError(error: unknown): BlindsightError {
  if (error instanceof BlindsightError) {
    // A thread that died while it loaded a bundle: there is no answer that would show more.
    return error.code === 'FHE_WORKER'
      ? new BlindsightError('BUNDLE_CRASHED', error.message, { cause: error })
      : error;
  }
  const message = error instanceof Error ? error.message : String(error);
  return new BlindsightError('BUNDLE_UNAVAILABLE', message, { cause: error });
}
