import type { Result } from '#protocol/messages.ts';
import { siteTopics } from '#protocol/topics.ts';
import type { Logger } from '#runtime/log.ts';
import type { Publication } from '../store/publications.ts';
import type { Store } from '../store/store.ts';
import { RetainedResults, type RetainedResultsOptions } from './retained-results.ts';

export type ResultPublisherOptions = RetainedResultsOptions & {
  readonly store: Pick<Store, 'publications' | 'journal'>;
  readonly log: Logger;
  /** Hears, once, of each answer that an earlier process stored and did not publish. */
  readonly onLeft: (result: Result) => void;
  /** Whether other processes settle answers: then it hears of all of them, and the store is asked for them. */
  readonly settledElsewhere?: boolean;
  /** Envelopes that wait for a broker at most; older ones stay in the history, but are not published any more. */
  readonly maxWaiting?: number;
};

/** How often what the broker has acknowledged is noted, and how soon the answer of a camera that is gone is cleared. */
const NOTE_MS = 1_000;
const SWEEP_MS = 3_000;
/** How soon what others have settled is noticed. */
const LOOK_MS = 100;
/** Envelopes under way to the broker at a time. */
const BATCH = 64;
const MAX_WAITING = 100_000;
/** Attempts at an answer that fails while the link is well: it must not stop all behind it for ever. */
const MAX_ATTEMPTS = 5;

/**
 * Publishes rounded answers to the results tree, which gateways cannot read: each at least once, in the order in which they were stored, also after
 * a crash or while the broker was away. Only the newest answer of a camera or region is retained; an older one that comes late is published without
 * becoming the present.
 */
export class ResultPublisher {
  readonly #options: ResultPublisherOptions;
  readonly #retained: RetainedResults;
  #wake: () => void = () => {};
  /** The broker has all up to here. */
  #acknowledged = 0;
  /** And the store knows that up to here; what is between them is published again after a crash. */
  #noted = 0;
  /** Up to here others have stored, and up to here their answers were told. */
  #left = 0;
  #told = 0;
  #failed = { id: 0, attempts: 0 };

  constructor(options: ResultPublisherOptions) {
    this.#options = options;
    this.#retained = new RetainedResults(options);
  }

  /** An answer was stored. */
  publish(result: Result): void {
    this.#options.view.setResult(result);
    this.#wake();
  }

  /**
   * A new connection: says what is the present, looks for what should not be there any more, and goes on with what waits.
   *
   * @param signal ends the look
   */
  linkUp(signal: AbortSignal): void {
    for (const result of this.#options.view.latestResults()) {
      // The link breaks: the next connection says it again.
      this.#send(result, true).catch(() => {});
    }
    this.#retained.look(signal);
    this.#wake();
  }

  /** Works until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    signal.addEventListener('abort', () => this.#wake(), { once: true });
    await Promise.all([
      this.#publishAll(signal),
      this.#every(NOTE_MS, signal, () => this.#note()),
      this.#every(SWEEP_MS, signal, () => this.sweep()),
      this.#options.settledElsewhere ? this.#every(LOOK_MS, signal, async () => this.#wake()) : null,
    ]);
    await this.#note().catch(() => {}); // Published again after the start, which does no harm.
  }

  /** Forgets the answers of cameras and regions that are gone, and clears their topics. */
  async sweep(): Promise<void> {
    await this.#retained.sweep();
  }

  async #publishAll(signal: AbortSignal): Promise<void> {
    const { store, link, clock, log, settledElsewhere = false } = this.#options;
    let isOpen = false;
    while (!signal.aborted) {
      const { promise: woken, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      try {
        if (!isOpen)
          this.#left = settledElsewhere ? Number.POSITIVE_INFINITY : await store.publications.newest();
        isOpen = true;
        const end = link.connected ? await this.#publishSome() : 'idle';
        if (end === 'idle') await woken;
        if (end === 'again') await clock.sleep(NOTE_MS, signal).catch(() => {});
      } catch (error) {
        log.warn({ err: error }, 'answers are waiting because the store did not say which to publish');
        await clock.sleep(NOTE_MS, signal).catch(() => {});
      }
    }
  }

  /** @returns `more` where there may be more, `again` where an answer failed although the link is well. */
  async #publishSome(): Promise<'more' | 'idle' | 'again'> {
    const { store, view, link, onLeft } = this.#options;
    const batch = await store.publications.after(this.#acknowledged, BATCH);
    const sent = batch.map(({ id, results }) => {
      if (id > this.#told && id <= this.#left) for (const result of results) onLeft(result);
      this.#told = Math.max(this.#told, id);
      return Promise.all(results.map((result) => this.#send(result, view.setResult(result))));
    });
    for (const [index, outcome] of (await Promise.allSettled(sent)).entries()) {
      if (outcome.status === 'rejected') {
        // A break says nothing about the answer, and the next connection wakes us.
        if (!link.connected) return 'idle';
        if (!this.#givesUp(batch[index]!, outcome.reason)) return 'again';
      }
      this.#acknowledged = batch[index]!.id;
    }
    return batch.length > 0 ? 'more' : 'idle';
  }

  #givesUp({ id, results }: Publication, error: unknown): boolean {
    this.#failed = { id, attempts: this.#failed.id === id ? this.#failed.attempts + 1 : 1 };
    if (this.#failed.attempts < MAX_ATTEMPTS) return false;
    this.#options.log.error(
      { err: error, camera: results[0]?.camera },
      'an answer cannot be published and is skipped',
    );
    return true;
  }

  async #note(): Promise<void> {
    const { store, maxWaiting = MAX_WAITING } = this.#options;
    const { publications, journal } = store;
    if (this.#acknowledged > this.#noted) {
      const upTo = this.#acknowledged;
      await publications.removeTo(upTo);
      this.#noted = upTo;
    }
    if (this.#options.link.connected) return;
    const oldestKept = (await publications.newest()) - maxWaiting;
    if (oldestKept <= this.#acknowledged) return;
    const dropped = await publications.removeTo(oldestKept);
    this.#noted = this.#acknowledged = oldestKept;
    if (dropped === 0) return;
    await journal.add({
      timeMs: this.#options.clock.now(),
      level: 'warn',
      code: 'RESULTS_NOT_PUBLISHED',
      subject: this.#options.site,
      message: `the broker was unreachable for so long that ${dropped} answers will not be published; they stay in the history`,
    });
  }

  async #every(ms: number, signal: AbortSignal, act: () => Promise<void>): Promise<void> {
    const { clock, log } = this.#options;
    while (!signal.aborted) {
      try {
        await act();
      } catch (error) {
        log.warn({ err: error }, 'could not record which answers were published or are gone; trying again');
      }
      await clock.sleep(ms, signal).catch(() => {});
    }
  }

  async #send(result: Result, retain: boolean): Promise<void> {
    const { site, link } = this.#options;
    const topic = siteTopics(site).result(result.camera, result.region);
    if (retain) this.#retained.add(topic);
    await link.publish(topic, JSON.stringify(result), { retain });
  }
}
