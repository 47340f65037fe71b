import type { BackendConfig } from '#config/schema.ts';
import { placesOf } from '#protocol/envelope.ts';
import { BlindsightError } from '#protocol/errors.ts';
import type { Result } from '#protocol/messages.ts';
import type { Refusal } from '#protocol/refusals.ts';
import type { Clock } from '#runtime/clock.ts';
import type { Logger } from '#runtime/log.ts';
import { LeakMeter, type Told } from '../leak/leak-meter.ts';
import type { GatewayShards } from '../roles/gateway-shards.ts';
import type { CounterName } from '../store/counters.ts';
import type { HeldBound } from '../store/held.ts';
import type { InboxItem } from '../store/inbox.ts';
import { isDeadlock } from '../store/is-deadlock.ts';
import type { LeakKey } from '../store/leaks.ts';
import type { ModelRecord } from '../store/models.ts';
import type { KeySetId } from '../store/protections.ts';
import { quarantineGateway } from '../store/quarantine-gateway.ts';
import { shardOf } from '../store/shard-of.ts';
import type { Settled, Store } from '../store/store.ts';
import { isStoreTrouble } from '../store/store-trouble.ts';
import { AnswerBounds, type AnswerLimits } from './answer-bounds.ts';
import { BatchRecords } from './batch-records.ts';
import {
  type Checked,
  type CheckedEnvelope,
  checkEnvelope,
  type EnvelopeChecks,
  type RefusedEnvelope,
} from './check-envelope.ts';
import type { Contents, DecryptAnswer } from './decrypt-task.ts';
import { EndingMaker, type Opened } from './ending-maker.ts';
import type { BatchTimes, EnvelopeTraces } from './envelope-traces.ts';
import { FLOOD, FloodWatch } from './flood-watch.ts';
import { type Batch, type EnvelopeCheck, Looks, type Work } from './looks.ts';
import { ReadEnvelopes } from './read-envelopes.ts';
import { RefusalLog } from './refusal-log.ts';
import { type Ending, frameTime, settle } from './settle.ts';
import { SignatureChecks } from './signature-checks.ts';
import { WithheldLog } from './withheld-log.ts';

/** What is asked of a decryptor; see {@link Decryptor}. */
export type AnswerDecryptor = {
  prepare(model: ModelRecord, keySet: KeySetId): Promise<void>;
  decrypt(
    model: ModelRecord,
    keySet: KeySetId,
    ciphertext: Uint8Array,
    contents?: Contents,
  ): Promise<DecryptAnswer>;
};

export type BatchOptions = {
  readonly store: Store;
  readonly site: string;
  readonly decryptor: AnswerDecryptor;
  readonly limits: AnswerLimits;
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
  /** Whose answers it settles, where other processes settle those of others. */
  readonly shards?: Pick<GatewayShards, 'mine' | 'balance' | 'confirm'>;
  /** Where some envelopes are traced. */
  readonly traces?: Pick<EnvelopeTraces, 'settled'> | null;
};

/** What is to be written of an envelope, and what is said and done once that is durable. */
type Outcome = {
  readonly item: InboxItem;
  readonly write: (inside: Store) => Promise<() => Promise<void> | void>;
};

/** A batch, and when it was looked at. */
export type LookedBatch = Batch & Pick<BatchTimes, 'lookMs' | 'lookedMs'>;

type Decided = Pick<InboxItem, 'gateway' | 'digest'> & { readonly endings: readonly Ending[] };

/** Whose answers are settled. */
function namesOf(outcomes: readonly Outcome[]): Settled {
  return {
    gateways: outcomes.map(({ item }) => item.gateway),
    cameras: outcomes.map(({ item }) => item.camera),
  };
}

/** How often a decryption is begun before the envelope is taken for one that ends the thread. */
const MAX_ATTEMPTS = 3;
/** How often a batch is written again as it is, after others were in its way. */
const MAX_DEADLOCKS = 3;
/** Outcomes that wait for the store to take them; small, and few while the store does not even take attempts. */
const MAX_DECIDED = 1000;

/** Takes envelopes to their end, many at a time: check, decrypt once, settle, tell. */
export class Batches {
  readonly #options: BatchOptions;
  readonly #looks: Looks;
  readonly #refusals: RefusalLog;
  readonly #withheld: WithheldLog;
  readonly #floods: FloodWatch;
  readonly #bounds: AnswerBounds;
  readonly #endings: EndingMaker;
  readonly #meter: LeakMeter;
  readonly #checks: EnvelopeChecks;
  /** Outcomes that the store has not taken yet, by id of the item. */
  readonly #decided = new Map<number, Decided>();

  /** @param see decides of each envelope, before anything is decrypted, whether it has to be opened */
  constructor(options: BatchOptions, see: (item: InboxItem, checked: Checked) => Promise<void>) {
    this.#options = options;
    const { store, site, acceptsReference, clock, log, limits } = options;
    this.#refusals = new RefusalLog(store, clock, log);
    this.#floods = new FloodWatch(clock);
    this.#withheld = new WithheldLog(store, clock, log);
    this.#bounds = new AnswerBounds(store, limits);
    this.#looks = new Looks({ store, bounds: this.#bounds, aheadAnswers: options.audit.aheadAnswers, see });
    this.#endings = new EndingMaker(store, clock);
    this.#meter = new LeakMeter(options.audit);
    this.#checks = {
      ...{ store, site, acceptsReference, bounds: this.#bounds },
      ...{ signatures: new SignatureChecks(), read: new ReadEnvelopes() },
      formerReleaseMs: limits.formerReleaseMs,
    };
  }

  /**
   * Processes different envelopes of the inbox to their end. One of which a decryption has begun before is processed by itself, so that an envelope that ends the thread, or the process,
   * takes no others with it more than once. Nothing else may be in hand.
   *
   * @returns what went wrong; whatever had no trouble is settled
   */
  async process(items: readonly InboxItem[]): Promise<readonly unknown[]> {
    const errors: unknown[] = [];
    const together: InboxItem[] = [];
    for (const item of items)
      if (items.length > 1 && item.attempts > 0) errors.push(...(await this.process([item])));
      else together.push(item);
    const batch = await this.look(together);
    errors.push(...(await this.settle(batch)));
    if (batch.later.length > 0) errors.push(...(await this.process(batch.later)));
    return errors;
  }

  /**
   * Checks envelopes, and has those chosen that have to be opened.
   *
   * @param before a batch that may not be settled yet
   */
  async look(items: readonly InboxItem[], before: Batch | null = null): Promise<LookedBatch> {
    const { clock } = this.#options;
    const lookMs = clock.now();
    const batch = await this.#looks.look(items, await this.checker(items), before?.places ?? null);
    return { ...batch, lookMs, lookedMs: clock.now() };
  }

  /**
   * Decrypts what has to be, all attempts durable together before the first decryption, and makes all outcomes durable together.
   *
   * @returns what went wrong; whatever had no trouble is settled
   */
  async settle({ works, errors, places, lookMs, lookedMs }: LookedBatch): Promise<readonly unknown[]> {
    const { clock } = this.#options;
    const turnMs = clock.now();
    try {
      const outcomes = await this.#outcomes(works, errors);
      const times = { lookMs, lookedMs, turnMs, decryptedMs: clock.now() };
      // In one order, as in the intake.
      await this.#commit(outcomes.sort(byGateway), errors, times);
    } catch (error) {
      errors.push(error);
    } finally {
      places.giveBack();
    }
    return errors;
  }

  /** What is to be written of each envelope, decrypted where it has to be. */
  async #outcomes(works: readonly Work[], errors: unknown[]): Promise<Outcome[]> {
    const { decrypted, quarantined } = await this.#decrypt(works, errors);
    return works.flatMap(({ item, checked }): readonly Outcome[] => {
      if (checked.outcome === 'hold' || quarantined.has(item.id)) return [this.#hold(item)];
      if (checked.outcome === 'duplicate') return [this.#leave(item, 'duplicates')];
      if (checked.outcome === 'refuse') return [this.#refuse(item, checked)];
      const endings = decrypted.get(item.id);
      return endings === undefined ? [] : [this.#settle(item, checked, endings)];
    });
  }

  /** Writes outcomes together, or where one of them cannot be written, each by itself; then says what came of them. */
  async #commit(
    outcomes: readonly Outcome[],
    errors: unknown[],
    times: BatchTimes,
    deadlocks = 0,
  ): Promise<void> {
    if (outcomes.length === 0) return;
    const { store, traces } = this.#options;
    let tell: (() => Promise<void> | void)[] = [];
    try {
      tell = await store.settling(async (inside) => {
        await this.#options.shards?.confirm(
          inside,
          outcomes.map(({ item }) => item.gateway),
        );
        const written: typeof tell = [];
        for (const { write } of outcomes) written.push(await write(inside));
        await inside.inbox.remove(outcomes.map(({ item }) => item.id));
        return written;
      }, namesOf(outcomes));
    } catch (error) {
      const own = outcomes.filter(({ item }) => this.#isMine(item.gateway));
      const isAgain = isDeadlock(error) && deadlocks < MAX_DEADLOCKS;
      if (isStoreTrouble(error) || (outcomes.length === 1 && !isAgain)) errors.push(error);
      else if (isTakenOver(error) && own.length < outcomes.length) {
        errors.push(error);
        await this.#commit(own, errors, times);
      } else if (isAgain) await this.#commit(outcomes, errors, times, deadlocks + 1);
      else for (const outcome of outcomes) await this.#commit([outcome], errors, times);
      return;
    }
    if (traces) {
      const items = outcomes.map(({ item }) => item);
      traces.settled(items, times);
    }
    for (const one of tell)
      try {
        await one();
      } catch (error) {
        errors.push(error);
      }
    if (tell.length > 0) this.#options.onChange();
  }

  #refuse(item: InboxItem, checked: RefusedEnvelope): Outcome {
    const { clock } = this.#options;
    const { reason } = checked;
    const endings = this.#endings.refused(checked);
    if (endings === null)
      return this.#leave(item, `refused.${reason}`, () => this.#refused(item.gateway, reason));
    return {
      item,
      write: async (inside) => {
        await settle(inside, item, endings, null, clock.now());
        return () => {
          this.#count(item, endings);
          return this.#refused(item.gateway, reason);
        };
      },
    };
  }

  /** Counts an envelope and forgets it. */
  #leave(item: InboxItem, counter: CounterName, tell: () => Promise<void> | void = () => {}): Outcome {
    const write = async (inside: Store) => {
      await inside.counters.add(counter);
      return tell;
    };
    return { item, write };
  }

  /** What was settled uses up the rates of its cameras. */
  #count(item: InboxItem, endings: readonly Ending[]): void {
    for (const { answer, verdict } of endings)
      if (verdict.kind !== 'passed') this.#bounds.add(answer.camera, frameTime(answer, item));
  }

  /** Others may have settled answers of gateways that are new here. */
  forget(): void {
    this.#bounds.forget();
    this.#decided.clear();
  }

  #isMine(gateway: string): boolean {
    return this.#options.shards?.mine.includes(shardOf(gateway)) ?? true;
  }

  /** Everything that must hold before an envelope is decrypted, for some that are looked at now: their signatures are checked, together. */
  async checker(items: readonly InboxItem[]): Promise<EnvelopeCheck> {
    await this.#checks.signatures.prepare(items);
    const records = new BatchRecords(this.#options.store);
    return (item) => checkEnvelope(this.#checks, item, records);
  }

  /** The share of a network's ciphertexts with so many answers gathered in each that has to be opened, at least. */
  leastShare(model: ModelRecord, gathered: number): number {
    return this.#meter.leastShare(model, gathered);
  }

  #hold(item: InboxItem): Outcome {
    const { heldBound } = this.#options;
    const write = async (inside: Store) => {
      if ((await inside.gateways.get(item.gateway)) === null) {
        await inside.counters.add('refused.unknown-gateway');
        return () => {};
      }
      const kept = await inside.held.add(item, heldBound);
      if (!kept.added) await inside.counters.add('duplicates');
      if (kept.dropped === 0) return () => {};
      await inside.counters.add('refused.held-full', kept.dropped);
      return () => this.#refusals.add(item.gateway, 'held-full');
    };
    return { item, write };
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

  /**
   * @returns how the answers of each envelope end that was decrypted, by id of the item; those that had trouble are left out. And those whose gateway came into
   * quarantine after they were looked at.
   */
  async #decrypt(
    works: readonly Work[],
    errors: unknown[],
  ): Promise<{ decrypted: ReadonlyMap<number, readonly Ending[]>; quarantined: ReadonlySet<number> }> {
    const { clock, decryptor } = this.#options;
    const begunMs = clock.monotonic();
    const known = new Map<number, readonly Ending[]>();
    for (const [id, { gateway }] of this.#decided) if (!this.#isMine(gateway)) this.#decided.delete(id);
    const ready: (Work & { readonly checked: CheckedEnvelope })[] = [];
    const prepare = async ({ item, checked }: Work) => {
      if (checked.outcome !== 'decrypt') return;
      // Trouble with keys or files is ours, not the envelope's: it waits, and no attempt is counted.
      await decryptor.prepare(checked.model, checked.keySet);
      const decided = this.#decided.get(item.id);
      // A stream that lost its end has another envelope at this place.
      if (decided?.digest !== item.digest || decided.gateway !== item.gateway) ready.push({ item, checked });
      else known.set(item.id, decided.endings);
    };
    for (const work of works) await prepare(work).catch((error: unknown) => errors.push(error));
    const { begun, quarantined } = await this.#begin(ready, errors);
    const free = begun.filter(({ item }) => !quarantined.has(item.id));
    const reads = await Promise.allSettled(free.map((work) => this.#read(work)));
    for (const [i, { item, checked }] of free.entries()) {
      const read = reads[i]!;
      try {
        if (read.status === 'rejected') throw read.reason;
        const endings = await this.#endings.endings(item, checked, read.value, begunMs);
        known.set(item.id, endings);
        if (this.#decided.size < MAX_DECIDED) {
          const { gateway, digest } = item;
          this.#decided.set(item.id, { gateway, digest, endings });
        }
      } catch (error) {
        errors.push(error);
      }
    }
    return { decrypted: known, quarantined };
  }

  /**
   * Makes the attempts durable.
   *
   * @returns those whose gateway no other decryptor has taken over, and which of them, by id, have one that came into quarantine: of these nothing begins
   */
  async #begin<One extends Work>(
    works: readonly One[],
    errors: unknown[],
  ): Promise<{ begun: readonly One[]; quarantined: ReadonlySet<number> }> {
    try {
      return { begun: works, quarantined: await this.#attempt(works.map(({ item }) => item)) };
    } catch (error) {
      const own = works.filter(({ item }) => this.#isMine(item.gateway));
      if (!isTakenOver(error) || own.length === works.length) throw error;
      errors.push(error);
      return this.#begin(own, errors);
    }
  }

  async #attempt(items: readonly InboxItem[]): Promise<ReadonlySet<number>> {
    if (items.length === 0) return new Set();
    return this.#options.store.transaction(async (inside) => {
      const { inbox, gateways } = inside;
      await this.#options.shards?.confirm(
        inside,
        items.map(({ gateway }) => gateway),
      );
      const senders = await gateways.senders([...new Set(items.map(({ gateway }) => gateway))]);
      const held = items.filter(({ gateway }) => senders.get(gateway)?.isQuarantined === true);
      const ids = new Set(held.map(({ id }) => id));
      const begun = items.filter(({ id, attempts }) => !ids.has(id) && attempts < MAX_ATTEMPTS);
      await inbox.beginAttempts(begun.map(({ id }) => id));
      return ids;
    });
  }

  async #read({ item, checked }: Work & { readonly checked: CheckedEnvelope }): Promise<Opened> {
    if (item.attempts >= MAX_ATTEMPTS) return { kind: 'withheld', reason: 'no-end' };
    const { model, keySet, answers, envelope } = checked;
    const contents: Contents =
      envelope.later !== undefined
        ? { gathered: answers.length }
        : answers.length > 1
          ? { pictures: answers.map(({ answer }) => placesOf(answer)) }
          : {};
    return this.#options.decryptor.decrypt(model, keySet, envelope.ciphertext, contents);
  }

  #settle(item: InboxItem, checked: CheckedEnvelope, endings: readonly Ending[]): Outcome {
    const { clock } = this.#options;
    const told = this.#told(checked, endings);
    const write = async (inside: Store) => {
      const ends = await settle(inside, item, endings, checked.model, clock.now(), told);
      return () => this.#tell(item, endings, ends);
    };
    return { item, write };
  }

  /** What was settled, now that it is durable. */
  async #tell(
    item: InboxItem,
    endings: readonly Ending[],
    ends: Awaited<ReturnType<typeof settle>>,
  ): Promise<void> {
    const { gateway } = item;
    this.#decided.delete(item.id);
    for (const [i, { answer, verdict }] of endings.entries()) {
      const end = ends[i]!;
      if (end === 'void') continue;
      const names = { gateway, camera: answer.camera };
      this.#count(item, [{ answer, verdict }]);
      if (verdict.kind === 'answer') for (const result of verdict.results) this.#options.onResult(result);
      else if (verdict.kind === 'withheld') this.#withheld.add(names, verdict.reason);
      const reason = verdict.kind === 'withheld' ? verdict.reason : null;
      for (const turn of end) await this.#withheld.turned(names, turn, reason);
    }
    const refused = endings.flatMap(({ verdict }, i) =>
      ends[i] !== 'void' && (verdict.kind === 'refused' || verdict.kind === 'passed') ? [verdict.reason] : [],
    );
    for (const reason of new Set(refused)) await this.#refused(gateway, reason);
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
}

const isTakenOver = (error: unknown): boolean =>
  error instanceof BlindsightError && error.code === 'GATEWAYS_TAKEN_OVER';

const byGateway = ({ item: one }: Outcome, { item: other }: Outcome): number =>
  one.gateway < other.gateway ? -1 : Number(one.gateway > other.gateway);
