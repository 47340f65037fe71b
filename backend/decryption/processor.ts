import type { BackendConfig } from '#config/schema.ts';
import { answerWords } from '#protocol/answer-words.ts';
import { type Envelope, placesOf } from '#protocol/envelope.ts';
import { BlindsightError } from '#protocol/errors.ts';
import type { MapAnswer, Result } from '#protocol/messages.ts';
import type { OutputPolicy } from '#protocol/output-policy.ts';
import type { Refusal } from '#protocol/refusals.ts';
import type { Clock } from '#runtime/clock.ts';
import type { Logger } from '#runtime/log.ts';
import { RetryLadder } from '#runtime/retry.ts';
import { LeakMeter, type Told } from '../leak/leak-meter.ts';
import type { HeldBound } from '../store/held.ts';
import type { InboxItem, Passed } from '../store/inbox.ts';
import type { LeakKey } from '../store/leaks.ts';
import type { ModelRecord } from '../store/models.ts';
import type { KeySetId } from '../store/protections.ts';
import { quarantineGateway } from '../store/quarantine-gateway.ts';
import type { Store } from '../store/store.ts';
import { AnswerBounds, type AnswerLimits } from './answer-bounds.ts';
import {
  type CheckedEnvelope,
  checkEnvelope,
  type EnvelopeChecks,
  type RefusedEnvelope,
} from './check-envelope.ts';
import { countZones } from './count-zones.ts';
import type { DecryptAnswer } from './decrypt-task.ts';
import { FLOOD, FloodWatch } from './flood-watch.ts';
import { LabelEvents } from './label-events.ts';
import { type AnswerAudits, LookAhead } from './look-ahead.ts';
import { PublicKeys } from './public-keys.ts';
import { ReadEnvelopes } from './read-envelopes.ts';
import { RefusalLog } from './refusal-log.ts';
import type { RegionAnswer } from './round-answer.ts';
import { type Ending, frameTime, settle, type Verdict } from './settle.ts';
import { WithheldLog } from './withheld-log.ts';

/** What the processor asks of a decryptor; see {@link Decryptor}. */
export type AnswerDecryptor = {
  prepare(model: ModelRecord, keySet: KeySetId): Promise<void>;
  decrypt(
    model: ModelRecord,
    keySet: KeySetId,
    ciphertext: Uint8Array,
    pictures?: readonly number[],
  ): Promise<DecryptAnswer>;
};

export type ProcessorOptions = {
  readonly store: Store;
  readonly site: string;
  readonly decryptor: AnswerDecryptor;
  readonly limits: AnswerLimits;
  /** Chooses which answers have to be opened. */
  readonly audits: AnswerAudits;
  /** Whether answers of the reference interpreter are taken, which no audit can open. */
  readonly acceptsReference: boolean;
  readonly clock: Clock;
  readonly log: Logger;
  /** Called after an answer is durable, for each region that it is about. */
  readonly onResult: (result: Result) => void;
  /** Called after anything else that an operator can see has changed. */
  readonly onChange: () => void;
  readonly heldBound: HeldBound;
  readonly audit: Pick<BackendConfig['audit'], 'share' | 'lateShare' | 'aheadAnswers'>;
};

/** Kept envelopes that come back at once after a release, so that what comes in now does not wait for all of them. */
const TAKEN_BACK = 64;
/** How soon a release by another process (the command line), or the end of an audit, is seen. */
const RELEASE_SEEN_MS = 1000;

/** How often a decryption is begun before the envelope is taken for one that ends the thread. */
const MAX_ATTEMPTS = 3;
/** Outcomes that wait for the store to take them; small, and few while the store does not even take attempts. */
const MAX_DECIDED = 1000;
/** Pause after trouble, so that a store that fails at once is not asked in a tight loop. */
const MIN_PAUSE_MS = 50;
/** Longest time that one envelope may take before the processor counts as stuck. */
const STUCK_MS = 120_000;

/**
 * Takes envelopes from the inbox one at a time, of one gateway after the other, what is current of each before what waited: check, decrypt once, settle, publish.
 *
 * Decrypted once means: one place in the sequence, one outcome. The attempt is durable before the decryption begins, the outcome
 * is durable together with the removal from the inbox, and nothing of it is seen outside before. So after a crash in between,
 * the very same bytes are decrypted again, which tells nobody anything, and no answer is lost. Where only the store is ill, the outcome waits.
 */
export class Processor {
  readonly #options: ProcessorOptions;
  readonly #refusals: RefusalLog;
  readonly #withheld: WithheldLog;
  readonly #floods: FloodWatch;
  /** When to look again for what was kept of gateways that are released. */
  #lookMs = 0;
  readonly #bounds: AnswerBounds;
  readonly #ahead: LookAhead;
  readonly #events: LabelEvents;
  readonly #meter: LeakMeter;
  readonly #checks: EnvelopeChecks;
  #wake: (() => void) | null = null;
  /** Outcomes that the store has not taken yet, by id of the item. */
  readonly #decided = new Map<number, readonly Ending[]>();
  /** When the envelope at hand was begun; null while there is none. */
  #begunMs: number | null = null;

  constructor(options: ProcessorOptions) {
    this.#options = options;
    this.#refusals = new RefusalLog(options.store, options.clock, options.log);
    this.#floods = new FloodWatch(options.clock);
    this.#withheld = new WithheldLog(options.store, options.clock, options.log);
    this.#bounds = new AnswerBounds(options.store, options.limits);
    const check = this.#check.bind(this);
    this.#events = new LabelEvents(options.store);
    this.#meter = new LeakMeter(options.audit);
    const leastShare = this.#meter.leastShare.bind(this.#meter);
    this.#ahead = new LookAhead({ ...options, check, leastShare });
    const { store, site, acceptsReference } = options;
    this.#checks = {
      ...{
        store,
        site,
        acceptsReference,
        bounds: this.#bounds,
        keys: new PublicKeys(),
        read: new ReadEnvelopes(),
      },
      formerReleaseMs: options.limits.formerReleaseMs,
    };
  }

  /** Whether one envelope has been at hand for longer than any decryption takes. */
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
    const { clock, store } = this.#options;
    signal.addEventListener('abort', () => this.wake(), { once: true });
    const ladder = new RetryLadder([100, 1000, 5000, 30_000]);
    let turn = '';
    const seen = new Map<string, Passed>();
    let retryMs: number | null = null;
    while (!signal.aborted) {
      if (retryMs !== null && clock.monotonic() >= retryMs) {
        seen.clear();
        retryMs = null;
      }
      // Before the inbox is read, so that nothing that arrives in between is missed.
      const woken = this.#nextWake();
      try {
        const item = await store.inbox.next(turn, seen);
        if (item !== null) {
          turn = item.gateway;
          await this.#timed(item);
        } else if (!(await this.#takeBack())) {
          const lookMs = this.#lookMs - clock.monotonic();
          if (retryMs === null) {
            ladder.reset();
            await this.#sleepUnlessWoken(lookMs, woken);
            seen.clear();
          } else {
            await this.#sleepUnlessWoken(Math.min(lookMs, retryMs - clock.monotonic()), woken);
          }
        }
      } catch (error) {
        this.#reportTrouble(error);
        retryMs ??= clock.monotonic() + ladder.next();
        // The store itself may be the trouble: no hurry in that case either.
        await clock.sleep(MIN_PAUSE_MS, signal).catch(() => {});
      }
    }
  }

  /** What was kept of gateways that their owner has released, or whose audit is over. @returns whether there is more to do now. */
  async #takeBack(): Promise<boolean> {
    const { clock, store, onChange, audit } = this.#options;
    if (clock.monotonic() < this.#lookMs) return false;
    const count = await store.held.takeBack(TAKEN_BACK, audit.aheadAnswers);
    if (count === 0) {
      this.#lookMs = clock.monotonic() + RELEASE_SEEN_MS;
      return false;
    }
    this.#ahead.wake();
    onChange();
    return true;
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

  async #timed(item: InboxItem): Promise<void> {
    this.#begunMs = this.#options.clock.monotonic();
    try {
      await this.process(item);
    } finally {
      this.#begunMs = null;
    }
  }

  #nextWake(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    return promise;
  }

  /** Processes one envelope to its end. */
  async process(item: InboxItem): Promise<void> {
    const { store, clock, onChange } = this.#options;
    const checked = await this.#check(item);
    // Before anything is decrypted, and whatever comes of it.
    await this.#ahead.see(item, checked);
    if (checked.outcome === 'hold') return this.#hold(item);
    if (checked.outcome === 'decrypt')
      return (await this.#awaitsAudit(item)) ? this.#hold(item) : this.#decrypt(item, checked);
    if (checked.outcome === 'duplicate') {
      await store.transaction(async (inside) => {
        await inside.counters.add('duplicates');
        await inside.inbox.remove(item.id);
      });
      return onChange();
    }
    const { reason } = checked;
    const endings = endingsOf(checked);
    if (endings === null) {
      await store.transaction(async (inside) => {
        await inside.counters.add(`refused.${reason}`);
        await inside.inbox.remove(item.id);
      });
    } else {
      await settle(store, item, endings, null, clock.now());
      this.#count(item, endings);
    }
    await this.#refused(item.gateway, reason);
    onChange();
  }

  /** What was settled uses up the rates of its cameras. */
  #count(item: InboxItem, endings: readonly Ending[]): void {
    for (const { answer, verdict } of endings)
      if (verdict.kind !== 'passed') this.#bounds.add(answer.camera, frameTime(answer, item));
  }

  #check(item: InboxItem) {
    return checkEnvelope(this.#checks, item);
  }

  /**
   * Whether so many answers of a gateway were decrypted since the oldest one that still has to be opened was chosen that the next ones wait for that verdict: whoever
   * lies gets no further by being slow to answer for it.
   */
  async #awaitsAudit({ gateway }: InboxItem): Promise<boolean> {
    const { store, audit } = this.#options;
    const waiting = await store.challenges.waiting(gateway);
    return waiting !== null && waiting.ahead >= audit.aheadAnswers;
  }

  async #hold(item: InboxItem): Promise<void> {
    const { store, heldBound, onChange } = this.#options;
    const dropped = await store.transaction(async (inside) => {
      await inside.inbox.remove(item.id);
      if ((await inside.gateways.get(item.gateway)) === null) {
        await inside.counters.add('refused.unknown-gateway');
        return 0;
      }
      const kept = await inside.held.add(item, heldBound);
      if (!kept.added) await inside.counters.add('duplicates');
      if (kept.dropped > 0) await inside.counters.add('refused.held-full', kept.dropped);
      return kept.dropped;
    });
    if (dropped > 0) await this.#refusals.add(item.gateway, 'held-full');
    onChange();
  }

  /** Says that an envelope was refused; a flood of what is no answer brings its gateway into quarantine. */
  async #refused(gateway: string, reason: Refusal): Promise<void> {
    const { store, clock, log } = this.#options;
    await this.#refusals.add(gateway, reason);
    if (reason === 'unknown-gateway' || !this.#floods.add(gateway, reason)) return;
    const why = `${FLOOD.messages} messages within ${FLOOD.windowMs / 60_000} minutes were not messages that a gateway sends`;
    if (await quarantineGateway(store, gateway, why, clock.now())) {
      log.error({ gateway, code: 'GATEWAY_QUARANTINED' }, `gateway ${gateway} is in quarantine: ${why}`);
    }
  }

  async #decrypt(item: InboxItem, checked: CheckedEnvelope): Promise<void> {
    const { store, clock, decryptor, onResult, onChange } = this.#options;
    const { model, keySet } = checked;
    const { gateway } = item;
    const begunMs = clock.monotonic();
    // Trouble with keys or files is ours, not the envelope's: it throws, and the envelope waits.
    await decryptor.prepare(model, keySet);
    const endings = this.#decided.get(item.id) ?? (await this.#decide(item, checked, begunMs));
    if (this.#decided.size < MAX_DECIDED) this.#decided.set(item.id, endings);
    const ends = await settle(store, item, endings, model, clock.now(), this.#told(checked, endings));
    this.#decided.delete(item.id);
    let isSeen = false;
    for (const [i, { answer, verdict }] of endings.entries()) {
      const end = ends[i]!;
      isSeen ||= verdict.kind !== 'answer' || end === 'void' || end.length > 0;
      if (end === 'void') continue;
      const names = { gateway, camera: answer.camera };
      this.#count(item, [{ answer, verdict }]);
      if (verdict.kind === 'answer') for (const result of verdict.results) onResult(result);
      else if (verdict.kind === 'withheld') this.#withheld.add(names, verdict.reason);
      const reason = verdict.kind === 'withheld' ? verdict.reason : null;
      for (const turn of end) await this.#withheld.turned(names, turn, reason);
    }
    const refused = endings.flatMap(({ verdict }, i) =>
      ends[i] !== 'void' && (verdict.kind === 'refused' || verdict.kind === 'passed') ? [verdict.reason] : [],
    );
    for (const reason of new Set(refused)) await this.#refused(gateway, reason);
    if (isSeen) onChange();
  }

  /** What the outcome tells about the key that the answer was under. */
  #told(
    { gateway, envelope, model, keySet }: CheckedEnvelope,
    endings: readonly Ending[],
  ): (Told & LeakKey) | null {
    const given = endings.flatMap(({ verdict }) =>
      verdict.kind === 'answer' ? [verdict.results.length] : [],
    );
    const withheld = endings.filter(({ verdict }) => verdict.kind === 'withheld').length;
    if (given.length === 0 && withheld === 0) return null;
    const results = given.length === 0 ? 'withheld' : given.reduce((sum, count) => sum + count, 0);
    const key = { gateway: gateway.name, model: model.name, version: model.version, number: keySet.number };
    return { ...key, ...this.#meter.measure(model, envelope, results, withheld) };
  }

  async #decide(
    item: InboxItem,
    { envelope, answers, model, keySet }: CheckedEnvelope,
    begunMs: number,
  ): Promise<readonly Ending[]> {
    const { store, decryptor } = this.#options;
    const endAll = (verdict: Verdict) =>
      answers.map(
        ({ answer, refusal }): Ending => ({
          answer,
          verdict: refusal === null ? verdict : { kind: 'passed', reason: refusal },
        }),
      );
    if (item.attempts >= MAX_ATTEMPTS) return endAll({ kind: 'withheld', reason: 'no-end' });
    await store.inbox.beginAttempt(item.id);
    const counts = answers.map(({ answer }) => placesOf(answer));
    const isShared = answers.length > 1;
    const read = await decryptor.decrypt(model, keySet, envelope.ciphertext, isShared ? counts : undefined);
    if (read.kind === 'refused') return endAll({ kind: 'refused', reason: 'ciphertext' });
    // It may be another camera's picture that spoils them all.
    if (read.kind === 'withheld')
      return endAll({
        kind: 'withheld',
        reason:
          isShared && (read.reason !== 'out-of-range' || !model.interpretation.expected.includes(-1))
            ? 'company'
            : read.reason,
      });
    const endings: Ending[] = [];
    let place = 0;
    for (const [i, { answer, refusal }] of answers.entries()) {
      const own = read.answers.slice(place, place + counts[i]!);
      place += counts[i]!;
      const verdict: Verdict =
        refusal !== null
          ? { kind: 'passed', reason: refusal }
          : isTrusted(own)
            ? { kind: 'answer', results: await this.#resultsOf(item, answer, model, own, begunMs) }
            : { kind: 'withheld', reason: 'out-of-range' };
      endings.push({ answer, verdict });
    }
    return endings;
  }

  /**
   * What is given out of an answer about one picture.
   *
   * @param read one for each of its regions, and perhaps more
   */
  async #resultsOf(
    item: InboxItem,
    answer: Envelope,
    model: ModelRecord,
    read: readonly RegionAnswer[],
    begunMs: number,
  ): Promise<readonly Result[]> {
    const { clock } = this.#options;
    const frameMs = frameTime(answer, item);
    const { prepareMs, encryptMs, evaluateMs } = answer.timings;
    const frame = {
      frameTime: new Date(frameMs).toISOString(),
      sequence: answer.sequence,
      historical: answer.historical,
      latencyMs: {
        prepare: prepareMs,
        encrypt: encryptMs,
        evaluate: evaluateMs,
        transport: Math.max(0, Math.round(item.receivedMs - answer.readyTimeMs)),
        decrypt: Math.round((clock.monotonic() - begunMs) * 10) / 10,
        total: Math.max(0, Math.round(clock.now() - frameMs)),
      },
    };
    const answers = await this.#inZones(answer.camera, read, answer);
    // Answers beyond the regions that were named are copies that fill the ciphertext.
    const results = (answer.regions ?? [undefined]).map(
      (region, i): Result => ({
        camera: answer.camera,
        ...(region !== undefined && { region }),
        model: model.name,
        modelVersion: model.version,
        ...answers[i]!,
        ...(model.output.output !== 'rounded' && { output: model.output.output }),
        ...frame,
      }),
    );
    return this.#news(results, model.output, frameMs);
  }

  /** Adds to a map how many of its points are in each zone of its camera. A camera that answers about named parts of its picture has none. */
  async #inZones(
    camera: string,
    answers: readonly RegionAnswer[],
    { regions }: Envelope,
  ): Promise<readonly (RegionAnswer | MapAnswer)[]> {
    if (regions !== undefined || answers[0]?.task !== 'map') return answers;
    const zones = await this.#options.store.zones.of(camera);
    return zones.length === 0 ? answers : answers.map((answer) => countZones(answer, zones));
  }

  /** What of an answer is given out: all of it, or under the policy `event` those regions whose label has changed. The rest is forgotten here. */
  async #news(results: readonly Result[], policy: OutputPolicy, frameMs: number): Promise<readonly Result[]> {
    if (policy.output !== 'event') {
      for (const { camera } of results) this.#events.forget(camera);
      return results;
    }
    const news: Result[] = [];
    for (const result of results)
      if (await this.#events.add({ ...result, label: answerWords(result), frameMs }, policy.equal))
        news.push(result);
    return news;
  }
}

/** How the answers of an envelope end that is not decrypted; null where they take no place in the sequence. */
function endingsOf({ reason, settles, passes }: RefusedEnvelope): readonly Ending[] | null {
  const answers = settles ?? passes?.answers ?? null;
  if (answers === null) return null;
  const whole: Verdict = settles === null ? { kind: 'passed', reason } : { kind: 'refused', reason };
  return answers.map(({ answer, refusal }) => ({
    answer,
    verdict: refusal === null ? whole : { kind: 'passed', reason: refusal },
  }));
}

const isTrusted = (answers: readonly (RegionAnswer | null)[]): answers is readonly RegionAnswer[] =>
  !answers.includes(null);
