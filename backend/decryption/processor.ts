import { BlindsightError } from '#protocol/errors.ts';
import { RetryLadder } from '#runtime/retry.ts';
import type { InboxItem, Passed } from '../store/inbox.ts';
import { Batches, type BatchOptions, type LookedBatch } from './batches.ts';
import { type AnswerAudits, LookAhead } from './look-ahead.ts';

export type ProcessorOptions = BatchOptions & {
  /** Chooses which answers have to be opened. */
  readonly audits: AnswerAudits;
};

/** Envelopes that are settled together: two commits for so many. */
const BATCH = 64;
/** Of one gateway, so that what comes of the others meanwhile has its turn soon. */
const SHARE = 32;
/** Batches that are not full begin no sooner one after the other, so that each settles more while much comes. */
const PACE_MS = 40;
/** Kept envelopes that come back at once after a release, so that what comes in now does not wait for all of them. */
const TAKEN_BACK = 64;
/** How soon a release by another process (the command line), or the end of an audit, is seen. */
const RELEASE_SEEN_MS = 1000;
/** Pause after trouble, so that a store that fails at once is not asked in a tight loop. */
const MIN_PAUSE_MS = 50;
/** Longest time that a batch may take before the processor counts as stuck. */
const STUCK_MS = 120_000;

/** Whether more waits, perhaps. */
const isFull = (items: readonly InboxItem[]): boolean =>
  items.length >= BATCH || items.filter(({ gateway }) => gateway === items[0]?.gateway).length >= SHARE;

type Underway = { readonly batch: LookedBatch; readonly done: Promise<readonly unknown[]>; isDone: boolean };

/**
 * Takes envelopes from the inbox in batches, of one gateway after the other, what is current of each before what waited: check, decrypt once, settle, publish.
 *
 * Decrypted once means: one place in the sequence, one outcome. The attempt is durable before the decryption begins, the outcome
 * is durable together with the removal from the inbox, and nothing of it is seen outside before. So after a crash in between,
 * the very same bytes are decrypted again, which tells nobody anything, and no answer is lost. Where only the store is ill, the outcome waits.
 */
export class Processor {
  readonly #options: ProcessorOptions;
  readonly #batches: Batches;
  readonly #ahead: LookAhead;
  /** When to look again for what was kept of gateways that are released. */
  #lookMs = 0;
  /** Whether more of it may be there. */
  #hasMore = false;
  #wake: (() => void) | null = null;
  /** The batch that is being decrypted and settled while the next one is looked at. */
  #underway: Underway | null = null;
  /** When the batch at hand was begun; null while there is none. */
  #begunMs: number | null = null;

  constructor(options: ProcessorOptions) {
    this.#options = options;
    this.#batches = new Batches(options, (item, checked) => this.#ahead.see(item, checked));
    this.#ahead = new LookAhead({
      ...options,
      checker: (items) => this.#batches.checker(items),
      leastShare: (model, gathered) => this.#batches.leastShare(model, gathered),
    });
  }

  /** Whether a batch has been at hand for longer than any takes. */
  get isStuck(): boolean {
    return this.#begunMs !== null && this.#options.clock.monotonic() - this.#begunMs > STUCK_MS;
  }

  /** Signals that the inbox has something new. */
  wake(): void {
    this.#wake?.();
    this.#ahead.wake();
  }

  /**
   * Works until the signal aborts; finishes the envelope at hand. An envelope that cannot be processed for a reason that is ours (disk,
   * thread, a damaged key) stays, lets those behind it pass, and is tried again later.
   */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([this.#ahead.run(signal), this.#work(signal)]);
  }

  async #work(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    signal.addEventListener('abort', () => this.wake(), { once: true });
    const ladder = new RetryLadder([100, 1000, 5000, 30_000]);
    const seen = new Map<string, Passed>();
    let turn = '';
    let retryMs: number | null = null;
    const note = async (errors: readonly unknown[]) => {
      if (errors.length === 0) return;
      for (const error of errors) this.#reportTrouble(error);
      retryMs ??= clock.monotonic() + ladder.next();
      // The store itself may be the trouble: no hurry in that case either.
      await clock.sleep(MIN_PAUSE_MS, signal).catch(() => {});
    };
    while (!signal.aborted) {
      // Before the inbox is read, so that nothing that arrives in between is missed.
      const woken = this.#nextWake();
      try {
        const isRetry = retryMs !== null && clock.monotonic() >= retryMs;
        if (isRetry || clock.monotonic() >= this.#lookMs) {
          // However much comes in. Nothing comes twice into hand.
          const errors = await this.#finish();
          if (isRetry) retryMs = null;
          await note(errors);
          if (isRetry || retryMs === null) seen.clear();
          if (!isRetry && retryMs === null) ladder.reset();
          // While nothing is in hand.
          if (await this.#options.shards?.balance()) {
            this.#batches.forget();
            this.#ahead.again();
            seen.clear();
          }
          await this.#takeBack();
        }
        const most = { items: BATCH, ofOne: SHARE };
        const items = await this.#options.store.inbox.take(turn, seen, most, this.#options.shards?.mine);
        if (items.length > 0) {
          turn = items.at(-1)!.gateway;
          await note(await this.#takeUp(items));
          if (!isFull(items)) await this.#pace(signal);
        } else if (this.#underway !== null) {
          await Promise.race([this.#underway.done, woken]);
          if (this.#underway.isDone) await note(await this.#finish());
        } else if (this.#hasMore) {
          await this.#takeBack();
        } else {
          const nextMs = Math.min(this.#lookMs, retryMs ?? Number.POSITIVE_INFINITY);
          await this.#sleepUnlessWoken(nextMs - clock.monotonic(), woken);
          if (retryMs === null) seen.clear();
        }
      } catch (error) {
        await note([error]);
      }
    }
    await note(await this.#finish());
  }

  /** Looks at envelopes while those before them are being decrypted, and then begins with them. @returns what went wrong with those before */
  async #takeUp(items: readonly InboxItem[]): Promise<readonly unknown[]> {
    if (items.some(({ attempts }) => attempts > 0)) {
      const errors = await this.#finish();
      return [...errors, ...(await this.#processAlone(items))];
    }
    const batch = await this.#batches.look(items, this.#underway?.batch);
    const errors = await this.#finish();
    const underway = {
      batch,
      isDone: false,
      done: this.#batches.settle(batch).finally(() => {
        underway.isDone = true;
      }),
    };
    this.#underway = underway;
    this.#begunMs = this.#options.clock.monotonic();
    if (batch.later.length === 0) return errors;
    return [...errors, ...(await this.#finish()), ...(await this.#processAlone(batch.later))];
  }

  /** Waits until nothing is in hand. @returns what went wrong with it */
  async #finish(): Promise<readonly unknown[]> {
    const errors = (await this.#underway?.done) ?? [];
    this.#underway = null;
    this.#begunMs = null;
    return errors;
  }

  /**
   * Processes different envelopes of the inbox to their end, while the processor does not run.
   *
   * @throws the first error; whatever had none is settled
   */
  async process(items: readonly InboxItem[]): Promise<void> {
    const [error] = await this.#batches.process(items);
    if (error !== undefined) throw error;
  }

  async #processAlone(items: readonly InboxItem[]): Promise<readonly unknown[]> {
    this.#begunMs = this.#options.clock.monotonic();
    try {
      return await this.#batches.process(items);
    } finally {
      this.#begunMs = null;
    }
  }

  async #pace(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const begunMs = this.#begunMs ?? clock.monotonic();
    const earlyMs = begunMs + PACE_MS - clock.monotonic();
    if (earlyMs > 0) await clock.sleep(earlyMs, signal).catch(() => {});
  }

  /** Brings back what was kept of gateways that their owner has released, or whose audit is over. */
  async #takeBack(): Promise<void> {
    const { clock, store, onChange, audit, shards } = this.#options;
    this.#lookMs = clock.monotonic() + RELEASE_SEEN_MS;
    this.#hasMore = (await store.held.takeBack(TAKEN_BACK, audit.aheadAnswers, shards?.mine)) > 0;
    if (!this.#hasMore) return;
    this.#ahead.wake();
    onChange();
  }

  #reportTrouble(error: unknown): void {
    const code = error instanceof BlindsightError ? error.code : 'WORKER_FAILED';
    this.#options.log.error({ code, err: error }, 'an answer is waiting because it could not be processed');
  }

  async #sleepUnlessWoken(ms: number, woken: Promise<void>): Promise<void> {
    const enough = new AbortController();
    await Promise.race([this.#options.clock.sleep(Math.max(0, ms), enough.signal).catch(() => {}), woken]);
    enough.abort();
  }

  #nextWake(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    return promise;
  }
}
