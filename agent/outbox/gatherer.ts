import { Gathering } from '#fhe';
import { MAX_GATHERED } from '#protocol/envelope.ts';
import { MAX_REGIONS } from '#protocol/names.ts';
import { joinOpenings, OPENING_MAX_BYTES, OPENING_SEED_BYTES, type Opening } from '#protocol/opening.ts';
import type { Clock } from '#runtime/clock.ts';
import type { Logger } from '#runtime/log.ts';
import type { Answer } from '../inference/pipeline.ts';

/** Answers that become one envelope, in the order of their numbers. */
export type AnswersTogether = {
  readonly answers: readonly Omit<Answer, 'ciphertext' | 'opening'>[];
  readonly ciphertext: Uint8Array;
  /** Of all of them; null where one has none. */
  readonly opening: Opening | null;
};

export type GathererOptions = {
  /** How long an answer waits for others at most, in milliseconds; 0 where none is to wait. Asked again and again. */
  readonly togetherMs: () => number;
  /** Whether the backend takes such envelopes. */
  readonly isKnown: () => boolean;
  /** Makes envelopes durable. False if the disk refused, which is counted there. */
  readonly record: (together: AnswersTogether) => Promise<boolean>;
  /** Counts answers that could not be recorded for another reason than the disk. */
  readonly lost: (count: number) => Promise<void>;
  /** Where it is noted how many answers are in memory only; what a kill leaves there was lost. */
  readonly noted: { readonly set: (count: number) => Promise<void> };
  readonly clock: Pick<Clock, 'monotonic' | 'sleep'>;
  readonly log: Logger;
};

/** Answers of one bundle that wait for more of them. */
type Waiting = {
  readonly sinceMs: number;
  readonly most: number;
  readonly sum: Gathering;
  readonly answers: Answer[];
  /** Named regions of all of them. */
  regions: number;
};

/** Of an opening beside pictures and seeds. */
const OPENING_OVERHEAD_BYTES = 4096;
const LOOK_MS = 100;
const IDLE_MS = 1000;

/**
 * Puts answers of one network together in one ciphertext, as its program has places for them (`answerPlaces`), for so long as the settings allow. Until then they are in memory only and have no
 * number: a kill loses them, and the next start says how many. Whatever cannot wait leaves at once: what is full or due, answers of a release that another one has followed, and everything when cameras change or the
 * gateway ends. Answers of a network keep their order.
 */
export class Gatherer {
  readonly #options: GathererOptions;
  /** By bundle. */
  readonly #waiting = new Map<string, Waiting>();
  #isClosed = false;
  /** Resolves when all that was asked for is done: one thing after the other, so that numbers keep the order. */
  #work: Promise<unknown> = Promise.resolve();
  #noting: Promise<void> | null = null;
  #noted = 0;
  /** Answers that are in no file yet: those that wait, and those that are being recorded. */
  #inMemory = 0;

  constructor(options: GathererOptions) {
    this.#options = options;
  }

  /** Answers that are in memory only. */
  get count(): number {
    return this.#inMemory;
  }

  /** @returns false if it was lost, and counted; of one that waits that is not known yet */
  add(answer: Answer): Promise<boolean> {
    return this.#inTurn(() => this.#add(answer));
  }

  /** Records everything that waits. */
  flush(): Promise<void> {
    return this.#inTurn(() => this.#flushAll());
  }

  /** Records what is due, until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, togetherMs } = this.#options;
    while (!signal.aborted) {
      const isOff = togetherMs() === 0 && this.#waiting.size === 0;
      await clock.sleep(isOff ? IDLE_MS : LOOK_MS, signal).catch(() => {});
      if (this.#waiting.size === 0) continue;
      await this.#inTurn(async () => {
        for (const [bundle, { sinceMs }] of this.#waiting)
          if (clock.monotonic() - sinceMs + LOOK_MS > togetherMs()) await this.#flush(bundle);
      });
    }
  }

  /** Records everything that waits; what comes from here on waits for nothing. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.flush();
    while (this.#noting !== null) await this.#noting;
  }

  #inTurn<T>(act: () => Promise<T>): Promise<T> {
    const done = this.#work.then(act);
    this.#work = done.catch(() => {});
    return done;
  }

  async #add(answer: Answer): Promise<boolean> {
    const { togetherMs, isKnown, record, clock } = this.#options;
    const { bundle } = answer.host;
    await this.#makeWay(answer);
    const most = mostTogether(answer);
    if (this.#isClosed || most === 1 || togetherMs() === 0 || !isKnown()) {
      await this.#flush(bundle.digest);
      return record({ answers: [answer], ciphertext: answer.ciphertext, opening: answer.opening });
    }
    const regions = answer.regions?.length ?? 0;
    if ((this.#waiting.get(bundle.digest)?.regions ?? 0) + regions > MAX_REGIONS)
      await this.#flush(bundle.digest);
    const waiting = this.#waiting.get(bundle.digest) ?? {
      ...{ sinceMs: clock.monotonic(), most, answers: [], regions: 0 },
      sum: new Gathering(answer.host.answerRing, answer.host.places),
    };
    waiting.sum.add(answer.ciphertext);
    waiting.answers.push(answer);
    waiting.regions += regions;
    this.#waiting.set(bundle.digest, waiting);
    this.#inMemory += 1;
    this.#note();
    return waiting.answers.length < waiting.most ? true : this.#flush(bundle.digest);
  }

  /** Records what may not have this answer behind it: that of a release before, and that with a later picture of its camera, or this very one. */
  async #makeWay({ host, camera, frameTimeMs, regions = [] }: Answer): Promise<void> {
    const { digest, manifest } = host.bundle;
    for (const [bundle, { answers }] of this.#waiting) {
      const isFormer = bundle !== digest && answers[0]!.host.bundle.manifest.model === manifest.model;
      const isBack =
        bundle === digest &&
        answers.some(
          (one) =>
            one.camera === camera &&
            (one.frameTimeMs > frameTimeMs ||
              (one.frameTimeMs === frameTimeMs && (one.regions ?? []).join() === regions.join())),
        );
      if (isFormer || isBack) await this.#flush(bundle);
    }
  }

  async #flushAll(): Promise<void> {
    for (const bundle of [...this.#waiting.keys()]) await this.#flush(bundle);
  }

  async #flush(bundle: string): Promise<boolean> {
    const waiting = this.#waiting.get(bundle);
    if (waiting === undefined) return true;
    this.#waiting.delete(bundle);
    const { answers, sum } = waiting;
    const { isKnown, record, lost, log } = this.#options;
    try {
      if (answers.length > 1 && isKnown()) {
        const opening = joinOpenings(answers.map((answer) => answer.opening!));
        return await record({ answers, ciphertext: sum.finish(), opening });
      }
      let isKept = true;
      // The backend is of before since.
      for (const answer of answers) {
        const { ciphertext, opening } = answer;
        isKept = (await record({ answers: [answer], ciphertext, opening })) && isKept;
      }
      return isKept;
    } catch (err) {
      log.error({ err, answers: answers.length }, 'answers were lost on the way');
      await lost(answers.length);
      return false;
    } finally {
      // Not before they are durable, or counted: a kill in between must find them noted.
      this.#inMemory -= answers.length;
      this.#note();
    }
  }

  /** Writes down how many are in memory; while that is being written, only the newest number waits. */
  #note(): void {
    if (this.#noting !== null || this.#noted === this.#inMemory) return;
    this.#noting = this.#writeNote().finally(() => {
      this.#noting = null;
      this.#note();
    });
  }

  async #writeNote(): Promise<void> {
    const count = this.#inMemory;
    await this.#options.noted.set(count).catch(() => {});
    this.#noted = count;
  }
}

/** How many answers like this one may be together: as many as there are places, and openings fit. 1 for one that nobody could compute again, and for one about several cameras. */
function mostTogether({ host, opening, others }: Answer): number {
  if (opening === null || others !== undefined || !(host.places > 1)) return 1;
  const each = opening.picture.length + OPENING_SEED_BYTES;
  const openings = Math.floor((OPENING_MAX_BYTES - OPENING_OVERHEAD_BYTES) / each);
  return Math.max(1, Math.min(host.places, MAX_GATHERED, openings));
}
