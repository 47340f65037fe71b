import { type ConsumerMessages, DeliverPolicy, type JsMsg } from '@nats-io/jetstream';
import { envelopeDigest } from '#protocol/envelope.ts';
import { BlindsightError } from '#protocol/errors.ts';
import type { Clock } from '#runtime/clock.ts';
import type { Logger } from '#runtime/log.ts';
import { RetryLadder } from '#runtime/retry.ts';
import type { AttemptStore } from '../store/attempts.ts';
import type { Database } from '../store/database.ts';
import type { Arrival, InboxItem } from '../store/inbox.ts';
import type { Inbox, OutsideInbox } from '../store/outside-inbox.ts';
import { shardOf } from '../store/shard-of.ts';
import { isStoreTrouble, type StoreTrouble } from '../store/store-trouble.ts';
import { Bodies } from './bodies.ts';
import { headersOf, readHeaders } from './envelope-message.ts';
import { GatewayRoom } from './gateway-room.ts';
import { queueTrouble } from './queue-trouble.ts';
import { StreamInbox, type StreamWork } from './stream-inbox.ts';
import { type Head, StreamIndex } from './stream-index.ts';
import { StreamLink, type StreamSettings } from './stream-link.ts';
import { TableTurns } from './table-turns.ts';

export type StreamQueueOptions = {
  readonly settings: StreamSettings;
  readonly clock: Clock;
  readonly log: Logger;
  /** Hears of each time that the queue cannot be used. */
  readonly onTrouble?: (trouble: StoreTrouble) => void;
};

/** What became of an envelope that arrived. */
export type Kept = Awaited<ReturnType<StreamWork['keep']>>[number];

/** How often removals that failed are tried again, so many at a time. */
const LOOK_MS = 1_000;
const REMOVALS = 64;
/** So long after it was given out an envelope waits for something that is the site's, such as a key that is damaged. */
const TROUBLE_MS = 30_000;
/** How often it is looked whether what waits is in the index. */
const COMPARE_MS = 30_000;
/** Headers that are under way at once. */
const HEADERS = 2_000;
/** What is in the index and not in the stream for so long is gone: until then a server may not have it yet. */
const GONE_MS = 60_000;
/** Of the bytes of all gateways those of one may be. */
const GATEWAY_SHARE = 0.25;
/** Of one envelope that are settled within the time in which JetStream knows it; after more it waits for that to pass. */
const MOST_COPIES = 8;
const nameOf = ({ gateway, digest }: Pick<Head, 'gateway' | 'digest'>): string => `${gateway}/${digest}`;
/** `blindsight.queue.<site>.<gateway>` */
const gatewayOf = (subject: string): string => subject.slice(subject.lastIndexOf('.') + 1);
const NO_LINK = 'the queue is not connected to any NATS server';

/**
 * Envelopes in a stream of NATS JetStream until they are settled and their receipts are due: whatever the servers lose, their gateways still have. The stream is what the table of the inbox is otherwise, its places are the ids: written
 * by whoever receives, deleted when the outcome is durable in the store. Who settles reads the headers of all that waits into memory and fetches the
 * bytes when their turn has come. So nothing here decides who works on what, or how often: leases and the store do, as for the table.
 */
export class StreamQueue implements OutsideInbox, StreamWork {
  readonly index = new StreamIndex();
  readonly table: TableTurns;
  readonly #options: StreamQueueOptions;
  readonly #bodies: Bodies;
  readonly #room: GatewayRoom;
  readonly #missing = new Map<number, number>();
  /** The highest place that was read. */
  #newest = 0;
  /** The oldest, where it is not in the index. */
  #overlooked: number | null = null;
  /** Settled, and not yet deleted. */
  readonly #removing = new Set<number>();
  readonly #deletions = new Set<Promise<void>>();
  #link: StreamLink | null = null;
  #trouble: BlindsightError | null = null;
  /** Until then it is not known whether there is trouble. */
  readonly #tried = Promise.withResolvers<void>();
  /** Whose envelopes are read: of these parts, or all (null); undefined while nobody works. */
  #shards: readonly number[] | null | undefined;
  /** Grows with each change that makes it necessary to read from the beginning. */
  #round = 0;
  #messages: ConsumerMessages | null = null;
  /** What was given out, and is not settled, also while the index is read anew. */
  readonly #given = new Map<number, { readonly head: Head; readonly sinceMs: number }>();
  /** Of which an attempt may be noted, `gateway/digest`; null while it is not known. */
  #begun: Promise<Set<string>> | null = null;
  /** Of these an attempt was begun here, whenever the others were read. */
  readonly #begunHere = new Set<string>();
  #onArrival: () => void = () => {};
  #wanted: () => void = () => {};
  /** Ids are places above this: those of a stream that was made anew must not be taken for those of the one before. */
  #base = 0;
  #created = '';

  constructor(options: StreamQueueOptions) {
    this.#options = options;
    this.table = new TableTurns(options.clock);
    this.#bodies = new Bodies(
      (id) => this.#fetch(id),
      (id, count) => this.index.marks(id, count).map((head) => head.id),
    );
    this.#room = new GatewayRoom({
      bound: options.settings.maxBytes * GATEWAY_SHARE,
      count: (gateway) => this.#count(gateway),
      clock: options.clock,
    });
  }

  /** Why the queue cannot be used; null where it can. */
  get trouble(): BlindsightError | null {
    return this.#link === null ? this.#trouble : null;
  }

  /** @param listener called when there is something to work on */
  onArrival(listener: () => void): void {
    this.#onArrival = listener;
  }

  inside(database: Database, onRemoved: (id: number) => void): Inbox {
    return new StreamInbox(this, database, onRemoved);
  }

  /** Connects, and works until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, settings } = this.#options;
    const ladder = new RetryLadder([200, 500, 1_000, 2_000, 5_000]);
    while (!signal.aborted) {
      let link: StreamLink | null = null;
      try {
        link = await StreamLink.open(settings);
        await this.#identify(link);
        this.#connected(link);
        ladder.reset();
        await this.#use(link, signal);
      } catch (error) {
        this.#report(queueTrouble(error));
      } finally {
        this.#link = null;
        await link?.close().catch(() => {});
      }
      await clock.sleep(ladder.next(), signal).catch(() => {});
    }
  }

  async #identify(link: StreamLink): Promise<void> {
    const { created, state } = await link.manager.streams.info(link.stream);
    const isAnother = this.#created !== '' && this.#created !== created;
    if (isAnother || state.last_seq < this.#newest) this.#renumber();
    this.#created = created;
  }

  /** The stream is another one, or has lost its end: its places are those of other envelopes from now on. */
  #renumber(): void {
    this.#base += 2 ** 40;
    this.#newest = 0;
    this.#removing.clear();
    this.#readAnew();
  }

  #connected(link: StreamLink): void {
    this.#link = link;
    if (this.#trouble !== null) this.#options.log.info('the queue in NATS JetStream answers again');
    this.#trouble = null;
    this.#tried.resolve();
  }

  #report(trouble: BlindsightError): void {
    const { code, message } = trouble;
    if (this.#trouble?.message !== message) this.#options.log.error({ code, err: trouble }, message);
    this.#trouble = trouble;
    if (isStoreTrouble(trouble)) this.#options.onTrouble?.(trouble);
    this.#tried.resolve();
  }

  /** Until the connection, or the signal, ends. */
  async #use(link: StreamLink, signal: AbortSignal): Promise<void> {
    const end = new AbortController();
    const both = AbortSignal.any([signal, end.signal]);
    const aborted = new Promise<void>((resolve) => both.addEventListener('abort', () => resolve()));
    both.addEventListener('abort', () => {
      this.#messages?.stop();
      this.#wanted();
    });
    const ended = link.closed().then((error) => {
      if (!signal.aborted)
        this.#report(
          new BlindsightError('QUEUE_UNAVAILABLE', 'the NATS server of the queue went away', {
            cause: error,
          }),
        );
    });
    try {
      await Promise.race([ended, aborted, this.#read(link, both), this.#look(both)]);
    } finally {
      end.abort();
    }
  }

  /** Reads what is in the stream, from the beginning each time that others are this process's. */
  async #read(link: StreamLink, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      if (this.#shards === undefined) {
        await new Promise<void>((resolve) => {
          this.#wanted = resolve;
        });
        continue;
      }
      const round = this.#round;
      this.#forget();
      const consumer = await link.publisher.consumers.get(link.stream, {
        deliver_policy: DeliverPolicy.All,
        headers_only: true,
      });
      const messages = await consumer.consume({ max_messages: HEADERS, expires: 10_000 });
      this.#messages = messages;
      if (this.#round !== round || signal.aborted) messages.stop();
      for await (const message of messages) {
        if (this.#round !== round || signal.aborted) break;
        this.#take(message);
      }
      // A later connection may have its own by now.
      if (this.#messages === messages) this.#messages = null;
      consumer.delete().catch(() => {});
    }
  }

  #forget(): void {
    this.index.clear();
    this.#bodies.clear();
    this.#missing.clear();
    this.#begun = null;
  }

  #take({ seq, subject, headers }: JsMsg): void {
    const id = this.#base + seq;
    const gateway = gatewayOf(subject);
    if (this.#removing.has(id) || !this.#isMine(gateway)) return;
    const head = readHeaders(id, gateway, headers);
    const before = this.given(id) ?? this.index.head(id);
    if (before !== undefined && head !== null && nameOf(before) !== nameOf(head)) {
      this.#renumber();
      return;
    }
    this.#newest = Math.max(this.#newest, seq);
    if (this.index.has(id)) return;
    if (head === null) {
      this.#options.log.warn(
        { gateway, id },
        'a message of the queue is none of the backend, and left alone',
      );
      return;
    }
    this.index.add(head);
    this.#onArrival();
  }

  #isMine(gateway: string): boolean {
    return this.#shards === null || (this.#shards?.includes(shardOf(gateway)) ?? false);
  }

  serve(shards: readonly number[] | null): void {
    const before = this.#shards;
    if (shards === before) return;
    this.#shards = shards;
    if (before !== undefined && shards !== null && before !== null) {
      const isGained = shards.some((shard) => !before.includes(shard));
      if (!isGained) {
        if (shards.length < before.length) this.index.keepOnly((gateway) => this.#isMine(gateway));
        return;
      }
    }
    // Nothing is in hand while there are gateways that are new here.
    this.#given.clear();
    this.#readAnew();
    this.#wanted();
  }

  #readAnew(): void {
    this.#round += 1;
    this.#forget();
    this.#messages?.stop();
  }

  async open(head: Head, attempts: AttemptStore): Promise<InboxItem | null> {
    const envelope = await this.#bodies.of(head.id);
    if (envelope === null || envelopeDigest(envelope) !== head.digest) {
      this.#miss(head.id);
      return null;
    }
    this.#begun ??= attempts.all().then((all) => new Set(all));
    const begun = await this.#begun.catch((error: unknown) => {
      this.#begun = null;
      throw error;
    });
    const { id, gateway, camera, digest, receivedMs } = head;
    this.#given.set(id, { head, sinceMs: this.#given.get(id)?.sinceMs ?? this.#options.clock.monotonic() });
    const isBegun = begun.has(nameOf(head)) || this.#begunHere.has(nameOf(head));
    const count = isBegun ? await attempts.of(head) : 0;
    return { id, gateway, camera, digest, receivedMs, attempts: count, envelope };
  }

  #miss(id: number): void {
    this.#bodies.forget(id);
    const nowMs = this.#options.clock.monotonic();
    const sinceMs = this.#missing.get(id) ?? nowMs;
    this.#missing.set(id, sinceMs);
    // The stream has lost it, and perhaps others: the index may have them where something else is now.
    if (nowMs - sinceMs >= GONE_MS) this.#readAnew();
  }

  given(id: number): Head | null {
    return this.#given.get(id)?.head ?? null;
  }

  /** What was given out long ago and is not settled. */
  troubled(): number[] {
    const beforeMs = this.#options.clock.monotonic() - TROUBLE_MS;
    const long = [...this.#given].filter(([, { sinceMs }]) => sinceMs < beforeMs).map(([id]) => id);
    // What the stream has lost its gateway sends again.
    return long.filter((id) => this.index.has(id));
  }

  begun(head: Head): void {
    this.#begunHere.add(nameOf(head));
  }

  settled(ids: readonly number[]): void {
    for (const id of ids) {
      const given = this.given(id);
      if (given !== null) this.#forgetBegun(nameOf(given));
      this.index.remove(id);
      this.#bodies.forget(id);
      this.#given.delete(id);
      if (id <= this.#base) continue;
      this.#removing.add(id);
      const deletion = this.#delete(id).finally(() => this.#deletions.delete(deletion));
      this.#deletions.add(deletion);
    }
  }

  #forgetBegun(name: string): void {
    this.#begunHere.delete(name);
    void this.#begun?.then((begun) => begun.delete(name)).catch(() => {});
  }

  /** Resolves when whatever was settled is deleted, as far as the server answers. */
  async idle(): Promise<void> {
    await Promise.all(this.#deletions);
  }

  /** What is not deleted, because the server is away, is deleted later; should this process die before, it is found to be settled. */
  async #delete(id: number): Promise<void> {
    const link = this.#link;
    if (link === null) return;
    try {
      await link.manager.streams.deleteMessage(link.stream, id - this.#base, false);
    } catch (error) {
      if (!/no message found/.test(String(error))) return;
    }
    this.#removing.delete(id);
  }

  async #fetch(id: number): Promise<Uint8Array | null> {
    return (await this.#message(id - this.#base))?.data ?? null;
  }

  async #message(seq: number) {
    const { manager, stream } = this.#connection();
    try {
      // Of any of the servers, and of the one that leads where that one may not have it yet.
      return (
        (await manager.direct.getMessage(stream, { seq })) ??
        (await manager.streams.getMessage(stream, { seq }))
      );
    } catch (error) {
      throw queueTrouble(error);
    }
  }

  #connection(): StreamLink {
    if (this.#link === null) throw this.#trouble ?? new BlindsightError('QUEUE_UNAVAILABLE', NO_LINK);
    return this.#link;
  }

  /**
   * Makes envelopes durable in the stream: on the majority of the servers that it is on.
   *
   * @throws BlindsightError where that went wrong for all of them
   */
  async keep(batch: readonly Arrival[]): Promise<readonly Kept[]> {
    const link = this.#connection();
    const ends = await Promise.allSettled(batch.map((arrival) => this.#publish(link, arrival)));
    const failed = ends.find((end) => end.status === 'rejected');
    if (failed !== undefined) this.#report(failed.reason as BlindsightError);
    if (failed !== undefined && !ends.some((end) => end.status === 'fulfilled')) throw failed.reason;
    return ends.map((end) => (end.status === 'fulfilled' ? end.value : 'failed'));
  }

  async #publish(link: StreamLink, arrival: Arrival): Promise<Kept> {
    const { gateway, envelope } = arrival;
    try {
      if (!(await this.#room.take(gateway, envelope.length))) return 'full';
      return await this.#write(link, arrival).finally(() => this.#room.ended(gateway, envelope.length));
    } catch (error) {
      if (/maximum messages per subject exceeded/.test(String(error))) return 'full';
      if (/max_payload size exceeded/.test(String(error))) return 'oversized';
      const trouble = queueTrouble(error);
      if (trouble.code !== 'QUEUE_FULL') throw trouble;
      this.#report(trouble);
      return 'site-full';
    }
  }

  /** At most one copy of an envelope waits, and what was settled comes in again: its receipt may be lost; or the stream has lost it. Whoever settles finds out. */
  async #write({ publisher, subjects }: StreamLink, arrival: Arrival): Promise<Kept> {
    const { gateway, digest, envelope } = arrival;
    let msgID = nameOf(arrival);
    for (let copy = 0; copy < MOST_COPIES; copy++) {
      const about = { msgID, headers: headersOf(arrival) };
      const { seq, duplicate } = await publisher.publish(`${subjects}.${gateway}`, envelope, about);
      if (!duplicate) return 'stored';
      // 2.9 says so of what it has only seen, with no place yet, before a majority has it.
      if (seq === 0) return 'failed';
      if ((await this.#digestAt(seq)) === digest) return 'present';
      msgID = `${msgID}/${seq}`;
    }
    return 'failed';
  }

  /** Of the envelope at a place of the stream; null where there is none. */
  async #digestAt(seq: number): Promise<string | null> {
    const message = await this.#message(seq);
    return message === null ? null : (readHeaders(seq, '', message.header)?.digest ?? null);
  }

  async #count(gateway: string): Promise<number> {
    const { manager, stream, subjects } = this.#connection();
    const subject = `${subjects}.${gateway}`;
    const { state } = await manager.streams.info(stream, { subjects_filter: subject });
    return state.subjects?.[subject] ?? 0;
  }

  async state(): Promise<{ readonly messages: number; readonly bytes: number }> {
    await this.#tried.promise;
    const { manager, stream } = this.#connection();
    try {
      return (await manager.streams.info(stream)).state;
    } catch (error) {
      throw queueTrouble(error);
    }
  }

  async #look(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#options;
    let comparedMs = clock.monotonic();
    while (!signal.aborted) {
      for (const id of [...this.#removing].slice(0, REMOVALS)) await this.#delete(id);
      if (clock.monotonic() - comparedMs >= COMPARE_MS) {
        comparedMs = clock.monotonic();
        await this.#compare().catch((err: unknown) =>
          log.warn({ err }, 'it could not be looked whether all that waits in the queue is known here'),
        );
      }
      await clock.sleep(LOOK_MS, signal).catch(() => {});
    }
  }

  /** Reads all anew where the oldest message should be in the index, and was not the last time either: whatever is overlooked becomes the oldest. */
  async #compare(): Promise<void> {
    if (this.#shards === undefined) return;
    const { manager, stream } = this.#connection();
    const { first_seq: seq, messages } = (await manager.streams.info(stream)).state;
    const before = this.#overlooked;
    this.#overlooked = null;
    const id = this.#base + seq;
    if (messages === 0 || this.index.has(id) || this.#removing.has(id)) return;
    const message = await this.#message(seq);
    if (message === null) return;
    const gateway = gatewayOf(message.subject);
    const isOverlooked =
      readHeaders(id, gateway, message.header) !== null && this.#isMine(gateway) && !this.index.has(id);
    if (!isOverlooked) return;
    if (before === id) this.#readAnew();
    else this.#overlooked = id;
  }
}
