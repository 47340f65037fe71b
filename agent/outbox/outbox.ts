import { readdir, readFile, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { envelopeDigest } from '#protocol/envelope.ts';
import type { Health } from '#protocol/messages.ts';
import type { Clock } from '#runtime/clock.ts';
import { ensureDirectory, syncFolder, writeFileAtomic } from '#runtime/files.ts';
import type { Logger } from '#runtime/log.ts';
import type { Kept, Openings } from '../opening/openings.ts';
import type { Ticket } from '../uplink/session-counter.ts';
import { DiskTrouble, type TroubleListener } from './disk-trouble.ts';
import { DROP_FILES, DropCounter } from './drop-counter.ts';
import { type Entry, entryFile, parseEntryFile } from './entry.ts';
import { GATHERED_FILE, GatheredCount } from './gathered-count.ts';

export type OutboxBounds = { readonly maxBytes: number; readonly maxAgeMs: number };

export type OutboxOptions = OutboxBounds & {
  readonly directory: string;
  /** Of the answers: told when one has left. */
  readonly openings?: Pick<Openings, 'settle' | 'setFormers' | 'formerBytes'>;
  readonly clock: Clock;
  readonly log: Logger;
};

/** What an envelope is appended as; `sign` makes the wire form. */
export type Appended = Pick<Entry, 'session' | 'sequence' | 'camera'> & {
  /** How many answers it is; 1 where left out. */
  readonly answers?: number;
  readonly historical: boolean;
  readonly wire: Uint8Array;
  /** What is kept of its opening: stored before it, and it counts with it. */
  readonly opening?: Kept | null;
};

/** Why answers were lost: waited too long, no room by our bounds, damaged or unknown on the disk, refused by the disk, gathered in memory when the process was killed. */
export type DropCause = 'age' | 'size' | 'damage' | 'disk' | 'killed';
export type DropListener = (count: number, cause: DropCause, reason: string) => void;

/** Overflow drops a little more than needed, so that a full outbox does not write its counter at each append. */
const AFTER_OVERFLOW = 0.98;

const KILLED = 'they were gathered in memory when the gateway was killed';

/** What of new answers stays in memory until it is first sent: a window's worth. */
const FRESH_BYTES = 2 ** 20;

/** A wall clock before this was never set (no battery, no NTP yet): ages that involve it mean nothing. */
const PLAUSIBLE_MS = Date.UTC(2025, 0, 1);

/**
 * Envelopes on disk until the backend's receipt: one file each, in (session, sequence) order. Bounded in bytes and
 * age; what no longer fits is dropped, oldest first, after it has been counted in a file.
 */
export class Outbox {
  readonly #options: OutboxOptions;
  #bounds: OutboxBounds;
  readonly #drops: DropCounter;
  /** Of answers that are in memory only. */
  readonly gathered: GatheredCount;
  readonly #trouble: DiskTrouble;
  readonly #entries = new Set<Entry>();
  readonly #byDigest = new Map<string, Entry>();
  /** Stored while they could leave immediately, oldest first; who waits too long falls out when somebody looks. */
  readonly #current = new Set<Entry>();
  /**
   * Stored envelopes that can leave immediately, for the first time they are sent: to read back what was just written and to compute its digest again took
   * longer than to sign it. Oldest first.
   */
  readonly #fresh = new Map<Entry, Uint8Array>();
  #freshBytes = 0;
  /** New forms for which the disk has no room, and the files of the old ones; the sender's window bounds them. */
  readonly #unsaved = new Map<Entry, { readonly path: string; readonly wire: Uint8Array }>();
  #countFailed = false;
  #bytes = 0;
  /** That wait. */
  #answers = 0;
  #onDrop: DropListener = () => {};

  private constructor(options: OutboxOptions, drops: DropCounter, gathered: GatheredCount) {
    this.#options = options;
    this.#bounds = options;
    this.#drops = drops;
    this.gathered = gathered;
    this.#trouble = new DiskTrouble(options.directory, options.clock, options.log);
  }

  /** Opens the folder, creates it if it is missing, and removes what a crash left unfinished. */
  static async open(options: OutboxOptions): Promise<Outbox> {
    await ensureDirectory(options.directory);
    const drops = await DropCounter.open(options.directory);
    const gathered = await GatheredCount.open(options.directory);
    const outbox = new Outbox(options, drops, gathered);
    await outbox.#load();
    if (gathered.lost > 0) {
      options.log.warn({ count: gathered.lost }, `answers dropped: ${KILLED}`);
      await outbox.#count(gathered.lost);
      await gathered.set(0).catch(() => {});
    }
    return outbox;
  }

  /** New limits, from the next answer on; whatever exceeds them is then dropped. */
  setBounds(bounds: OutboxBounds): void {
    this.#bounds = bounds;
  }

  /** Sets who is told the number, the cause and the reason after answers were lost, at once of those that the process before had gathered. What the disk refused is also told by {@link onTrouble}. */
  onDrop(listener: DropListener): void {
    this.#onDrop = listener;
    if (this.gathered.lost > 0) listener(this.gathered.lost, 'killed', KILLED);
  }

  /** Sets who is told when the disk starts refusing answers, and when it accepts them again. */
  onTrouble(listener: TroubleListener): void {
    this.#trouble.onChange(listener);
  }

  /** Waiting entries, oldest first. */
  get entries(): Iterable<Entry> {
    return this.#entries;
  }

  /**
   * Waiting entries that were stored, not longer ago than this, while they could leave immediately; oldest first.
   *
   * @param maxAgeMs milliseconds
   */
  *current(maxAgeMs: number): Iterable<Entry> {
    for (const entry of this.#current) {
      if (this.#options.clock.now() - entry.storedMs <= maxAgeMs) yield entry;
      else this.#current.delete(entry);
    }
  }

  get status(): Health['outbox'] {
    const [oldest] = this.#entries;
    const ageMs = oldest === undefined ? 0 : this.#ageMs(oldest);
    const trouble = this.#trouble.present;
    return {
      waiting: this.#answers,
      bytes: this.#bytes,
      dropped: this.#drops.count,
      oldestSeconds: Math.max(0, Math.round(ageMs / 1000)),
      ...(trouble !== null && { trouble }),
    };
  }

  /**
   * Stores a signed envelope; it is on disk when this resolves. Drops the oldest entries if the limit requires it.
   *
   * @throws BlindsightError DISK_FULL, OUTBOX_UNAVAILABLE if the disk refuses; the loss is counted, and reported once until the disk recovers.
   */
  async append(appended: Appended): Promise<Entry> {
    const { wire, opening, answers = 1, ...rest } = appended;
    const openingBytes = opening?.bytes ?? 0;
    const entry: Entry = {
      ...rest,
      answers,
      digest: envelopeDigest(wire),
      bytes: wire.length + openingBytes,
      ...{ openingBytes, answer: opening?.answer ?? null, former: false },
      storedMs: this.#options.clock.now(),
      sent: false,
    };
    await this.#makeRoom(entry.bytes);
    try {
      await this.#write(entry, wire, opening?.stored);
    } catch (cause) {
      await opening?.stored;
      this.#settleOpening(entry);
      const error = this.#trouble.failed(cause, answers);
      await this.#count(answers);
      this.#onDrop(answers, 'disk', error.message);
      throw error;
    }
    this.#trouble.worked();
    this.#insert(entry);
    if (!entry.historical) {
      this.#current.add(entry);
      this.#keepFresh(entry, wire);
    }
    return entry;
  }

  /**
   * The signed envelope of an entry, or null if the file is gone or damaged; such an entry is dropped and counted.
   */
  async read(entry: Entry): Promise<Uint8Array | null> {
    const fresh = this.#takeFresh(entry);
    if (fresh !== undefined) return fresh;
    const unsaved = this.#unsaved.get(entry)?.wire;
    const wire = unsaved ?? (await readFile(this.#path(entry)).catch(() => null));
    if (wire !== null && envelopeDigest(wire) === entry.digest) return wire;
    await this.discard(entry, 'a stored answer was damaged');
    return null;
  }

  /**
   * Puts a newly signed form in the place of an entry's envelope; it keeps its place in the order. Where the disk has no room the new form lives
   * in memory and the old one on the disk: a full disk must not keep what is on it from leaving.
   *
   * @param ticket the numbers in that form, where they are others
   */
  async replace(entry: Entry, wire: Uint8Array, ticket: Ticket = entry): Promise<void> {
    const { session, sequence } = ticket;
    const old = { path: this.#path(entry), digest: entry.digest, bytes: entry.bytes };
    this.#takeFresh(entry);
    const bytes = wire.length + entry.openingBytes;
    const next = { ...entry, session, sequence, digest: envelopeDigest(wire), bytes };
    if (next.digest === old.digest) return;
    const saved = await this.#write(next, wire).then(
      () => {
        this.#trouble.worked();
        return true;
      },
      (cause: unknown) => {
        this.#trouble.failed(cause, 0);
        return false;
      },
    );
    if (!this.#entries.has(entry)) {
      if (saved) await unlink(this.#path(next)).catch(() => {});
      return;
    }
    if (saved) this.#unsaved.delete(entry);
    else this.#unsaved.set(entry, { path: old.path, wire });
    this.#byDigest.delete(old.digest);
    this.#bytes += next.bytes - old.bytes;
    Object.assign(entry, { session, sequence, digest: next.digest, bytes: next.bytes });
    this.#byDigest.set(entry.digest, entry);
    if (saved) await unlink(old.path).catch(() => {});
  }

  /** Removes the entry that a receipt names; an unknown digest is ignored. A removal that a crash undoes is sent again. */
  async settle(digest: string): Promise<Entry | null> {
    const entry = this.#byDigest.get(digest);
    if (entry === undefined) return null;
    const path = this.#path(entry);
    this.#forget(entry);
    await unlink(path).catch(() => {});
    return entry;
  }

  /** Drops an entry that can never be sent. */
  async discard(entry: Entry, reason: string): Promise<void> {
    if (this.#entries.has(entry)) await this.#drop([entry], 'damage', reason);
  }

  /** Counts, and tells, answers that were lost before they could be stored. */
  async lose(count: number, reason: string): Promise<void> {
    await this.#count(count);
    this.#onDrop(count, 'damage', reason);
  }

  /** Drops what is older than the limit allows. */
  async expire(): Promise<void> {
    const expired: Entry[] = [];
    for (const entry of this.#entries) {
      if (this.#ageMs(entry) <= this.#bounds.maxAgeMs) break;
      expired.push(entry);
    }
    if (expired.length > 0) await this.#drop(expired, 'age', 'answers waited longer than outbox.maxAgeHours');
  }

  has(entry: Entry): boolean {
    return this.#entries.has(entry);
  }

  async #load(): Promise<void> {
    const { directory, log } = this.#options;
    const found: Entry[] = [];
    for (const name of (await readdir(directory)).sort()) {
      const path = join(directory, name);
      const parsed = parseEntryFile(name);
      if (parsed === null) {
        if (name.endsWith('.tmp')) await unlink(path);
        else if (name !== GATHERED_FILE && !DROP_FILES.includes(name))
          log.warn({ file: path }, 'a file in the outbox is not ours');
        continue;
      }
      const { size, mtimeMs } = await stat(path);
      const entry = {
        ...{ ...parsed, bytes: size, openingBytes: 0, answer: null, former: true },
        ...{ storedMs: mtimeMs, historical: null, sent: false },
      };
      const last = found.at(-1);
      if (last !== undefined && last.session === entry.session && last.sequence === entry.sequence) {
        // A crash between the two halves of a replacement: one signed form is enough.
        await unlink(path);
        continue;
      }
      found.push(entry);
    }
    for (const entry of found) this.#insert(entry);
    this.#options.openings?.setFormers(found.length);
    await this.expire();
    await this.#makeRoom(0);
  }

  async #makeRoom(bytes: number): Promise<void> {
    await this.expire();
    const maxBytes = this.#bounds.maxBytes - (this.#options.openings?.formerBytes ?? 0);
    if (this.#bytes + bytes <= maxBytes) return;
    const excess: Entry[] = [];
    let left = this.#bytes + bytes;
    for (const entry of this.#entries) {
      if (left <= maxBytes * AFTER_OVERFLOW) break;
      excess.push(entry);
      left -= entry.bytes;
    }
    await this.#drop(excess, 'size', 'the outbox is full (outbox.maxMegabytes)');
  }

  /** Counts first: a crash in between counts an entry twice rather than not at all. */
  async #drop(entries: readonly Entry[], cause: DropCause, reason: string): Promise<void> {
    const paths = entries.map((entry) => this.#path(entry));
    for (const entry of entries) this.#forget(entry);
    const count = entries.reduce((sum, { answers }) => sum + answers, 0);
    this.#options.log.warn({ count, total: this.#drops.count + count }, `answers dropped: ${reason}`);
    await this.#count(count);
    this.#onDrop(count, cause, reason);
    for (const path of paths) await unlink(path).catch(() => {});
    await syncFolder(this.#options.directory).catch(() => {});
  }

  async #count(count: number): Promise<void> {
    try {
      await this.#drops.add(count);
      this.#countFailed = false;
    } catch (err) {
      if (!this.#countFailed)
        this.#options.log.error({ err }, 'the drop counter cannot be written; counting in memory');
      this.#countFailed = true;
    }
  }

  #ageMs(entry: Entry): number {
    const now = this.#options.clock.now();
    return entry.storedMs < PLAUSIBLE_MS || now < entry.storedMs ? 0 : now - entry.storedMs;
  }

  #insert(entry: Entry): void {
    this.#entries.add(entry);
    this.#byDigest.set(entry.digest, entry);
    this.#bytes += entry.bytes;
    this.#answers += entry.answers;
  }

  #forget(entry: Entry): void {
    if (!this.#entries.delete(entry)) return;
    this.#byDigest.delete(entry.digest);
    this.#current.delete(entry);
    this.#unsaved.delete(entry);
    this.#takeFresh(entry);
    this.#bytes -= entry.bytes;
    this.#answers -= entry.answers;
    this.#settleOpening(entry);
  }

  #keepFresh(entry: Entry, wire: Uint8Array): void {
    this.#fresh.set(entry, wire);
    this.#freshBytes += wire.length;
    for (const oldest of this.#fresh.keys()) {
      if (this.#freshBytes <= FRESH_BYTES) break;
      this.#takeFresh(oldest);
    }
  }

  #takeFresh(entry: Entry): Uint8Array | undefined {
    const wire = this.#fresh.get(entry);
    if (wire === undefined) return undefined;
    this.#fresh.delete(entry);
    this.#freshBytes -= wire.length;
    return wire;
  }

  #settleOpening({ answer, former }: Entry): void {
    if (former || answer !== null) this.#options.openings?.settle(answer);
  }

  #write(entry: Entry, wire: Uint8Array, after?: Promise<void>): Promise<void> {
    return writeFileAtomic(this.#path(entry), wire, { mode: 0o600, ...(after && { after }) });
  }

  #path(entry: Entry): string {
    const unsaved = this.#unsaved.get(entry);
    return unsaved !== undefined ? unsaved.path : join(this.#options.directory, entryFile(entry));
  }
}
