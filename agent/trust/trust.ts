import type { KeyObject } from 'node:crypto';
import { dirname } from 'node:path';
import { BlindsightError } from '#protocol/errors.ts';
import type { LogEvent, ReportedTrust } from '#protocol/messages.ts';
import type { Clock } from '#runtime/clock.ts';
import { ensureDirectory } from '#runtime/files.ts';
import { LaidOutNumber } from '#runtime/laid-out-number.ts';
import type { Logger } from '#runtime/log.ts';
import { type Belief, believe } from './believe.ts';
import { type KeptBelief, keptBelief, trustPaths } from './kept-belief.ts';
import { TrustFile } from './trust-file.ts';

export type TrustOptions = {
  readonly site: string;
  readonly gateway: string;
  /** Data folder of the gateway. */
  readonly data: string;
  /** Of the settings; null for a gateway that was enrolled before its site had a root key. */
  readonly rootKey: KeyObject | null;
  /** Of the settings: the owner key that the gateway was enrolled with. */
  readonly ownerKey: KeyObject;
  readonly clock: Clock;
  readonly log: Logger;
};

/** Something signed that wants to be accepted for the first time. */
export type Newcomer = {
  readonly kind: 'release' | 'configuration' | 'software';
  /** That it is a release of; the default one where left out. */
  readonly network?: string | undefined;
  /** Its release counter, or version. */
  readonly counter: number;
  readonly expiresMs?: number | undefined;
};

/** What a keeper of trust asks of the gateway around it. */
export type TrustHost = {
  /** Owner keys or counters are other ones now: whatever was refused may pass, and whatever runs may have lost its signature. */
  readonly onChange: () => void;
  readonly onReport: () => void;
  readonly onEvent: (level: LogEvent['level'], code: BlindsightError['code'], message: string) => void;
};

/** Longest wait until staleness is looked at again: the clock may have been set meanwhile. */
const LOOK_MS = 60_000;

/**
 * Whom a gateway believes, and whether what it was told is fresh. Until its site tells it anything (an older backend) it believes whatever the
 * owner key of its enrolment has signed; from the first message on, which it never forgets, it accepts new things under a fresh timestamp only.
 *
 * Time is the system clock, or that of the newest timestamp where that is later: a clock that was never set (1970) makes nothing look expired, so that
 * a machine without a clock of its own takes up its work. Older things stay refused, whatever clocks say: counters decide that.
 */
export class Trust {
  readonly #options: TrustOptions;
  readonly #file: TrustFile;
  /** Highest number of a timestamp, and version of owner keys, ever believed: a copy apart from the message. */
  readonly #number: LaidOutNumber;
  readonly #version: LaidOutNumber;
  #belief: Belief | null;
  #wire: Uint8Array;
  #error: ReportedTrust['error'] = null;
  #told: ReportedTrust['status'] | null = null;
  #host: TrustHost | null = null;
  #work: Promise<void> = Promise.resolve();

  private constructor(
    options: TrustOptions,
    parts: { file: TrustFile; number: LaidOutNumber; version: LaidOutNumber },
    newest: KeptBelief | null,
  ) {
    this.#options = options;
    this.#file = parts.file;
    this.#number = parts.number;
    this.#version = parts.version;
    this.#belief = newest?.belief ?? null;
    this.#wire = newest?.wire ?? new Uint8Array();
  }

  /** Reads what was believed before, and checks each signature anew. */
  static async open(options: TrustOptions): Promise<Trust> {
    const { data, log } = options;
    const paths = trustPaths(data);
    await ensureDirectory(dirname(paths.number));
    const number = await LaidOutNumber.open(paths.number, () => Promise.resolve(0));
    const version = await LaidOutNumber.open(paths.version, () => Promise.resolve(0));
    const floors = { number: number.value, version: version.value };
    const newest = await keptBelief(data, options, floors, (message, err) => log.error({ err }, message));
    const file = new TrustFile(paths.message);
    return new Trust(options, { file, number, version }, newest);
  }

  connect(host: TrustHost): void {
    this.#host = host;
  }

  /** Keys that may have signed what is accepted or runs; none after the list was lost that replaced the key of the enrolment. */
  readonly ownerKeys = (): readonly KeyObject[] => {
    const listed = this.#belief?.ownerKeys?.keys;
    if (listed !== undefined) return listed;
    return this.#version.value > 0 ? [] : [this.#options.ownerKey];
  };

  /**
   * The gate for something that was never accepted before, and whose signature holds.
   *
   * @throws BlindsightError TRUST_STALE, TRUST_OLD or TRUST_EXPIRED
   */
  readonly admit = ({ kind, network, counter, expiresMs }: Newcomer): void => {
    const { timestamp } = this.#belief ?? {};
    if (this.#isTold) {
      const stale = this.#staleness();
      if (stale !== null) throw new BlindsightError('TRUST_STALE', `nothing new is accepted: ${stale}`);
      const newest = (network === undefined ? timestamp?.[kind] : timestamp?.networks?.[network]) ?? 0;
      if (counter < newest)
        throw new BlindsightError(
          'TRUST_OLD',
          `number ${counter} came (${kind}), but the newest of this site is ${newest}`,
        );
    }
    if (expiresMs !== undefined && expiresMs <= this.#now())
      throw new BlindsightError(
        'TRUST_EXPIRED',
        `number ${counter} (${kind}) expired on ${iso(expiresMs)}; here it is ${iso(this.#now())}`,
      );
  };

  /** What came on `trust`; an empty message is none. Resolves when it is believed and on disk, or refused. */
  receive(wire: Uint8Array): Promise<void> {
    this.#work = this.#work
      .then(() => this.#receive(wire))
      .catch((error: unknown) => this.#options.log.error({ err: error }, 'what was told about trust failed'));
    return this.#work;
  }

  async #receive(wire: Uint8Array): Promise<void> {
    if (wire.length === 0 || Buffer.compare(wire, this.#wire) === 0) return;
    try {
      await this.#take(Uint8Array.from(wire));
    } catch (error) {
      if (!(error instanceof BlindsightError)) throw error;
      const { code, message } = error;
      this.#options.log.warn({ code }, `a message about trust was left: ${message}`);
      this.#error = { code, message };
      this.#host?.onEvent('warn', code, message);
      this.#host?.onReport();
    }
  }

  get report(): ReportedTrust {
    const { timestamp, ownerKeys, rootKey } = this.#belief ?? {};
    const stale = this.#isTold ? this.#staleness() : null;
    return {
      status: stale !== null ? 'stale' : this.#isTold ? 'fresh' : 'none',
      number: timestamp?.number ?? 0,
      expires: timestamp === undefined ? null : iso(timestamp.expiresMs),
      ownerKeys: ownerKeys?.version ?? 0,
      knowsRoot: (rootKey ?? this.#options.rootKey) !== null,
      error: this.#error ?? (stale === null ? null : { code: 'TRUST_STALE', message: stale }),
    };
  }

  /** Tells when what was believed becomes too old, until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    while (!signal.aborted) {
      this.#tell();
      await clock.sleep(LOOK_MS, signal).catch(() => {});
    }
  }

  async close(): Promise<void> {
    await this.#work;
  }

  async #take(wire: Uint8Array): Promise<void> {
    const { rootKey, log } = this.#options;
    const before = this.#belief;
    const belief = believe(wire, { ...this.#options, rootKey: rootKey ?? before?.rootKey ?? null });
    this.#checkAge(belief);
    this.#belief = belief;
    this.#wire = wire;
    this.#error = null;
    const version = belief.ownerKeys?.version ?? 0;
    if (version !== this.#version.value)
      log.info({ version }, 'the owner of the site signs with other keys now');
    // A stolen key must not count a moment longer because the disk is full.
    await this.#keep(belief, version, wire).catch((error: unknown) => {
      log.error(
        { err: error },
        'what the site told about trust cannot be kept; it counts until the next start',
      );
    });
    this.#tell();
    this.#host?.onReport();
    this.#host?.onChange();
  }

  async #keep({ rootKey, timestamp }: Belief, version: number, wire: Uint8Array): Promise<void> {
    await this.#file.write({ rootKey, wire });
    await this.#number.set(timestamp.number);
    if (version !== this.#version.value) await this.#version.set(version);
  }

  #checkAge({ timestamp, ownerKeys }: Belief): void {
    const version = ownerKeys?.version ?? 0;
    const newest = Math.max(this.#number.value, this.#belief?.timestamp.number ?? 0);
    // The newest may come again where its own copy was lost.
    const isNewer = timestamp.number > newest || (timestamp.number === newest && this.#belief === null);
    if (!isNewer)
      throw new BlindsightError('TRUST_OLD', `timestamp ${timestamp.number} came after timestamp ${newest}`);
    if (version < this.#version.value)
      throw new BlindsightError(
        'TRUST_OLD',
        `version ${version} of the owner keys came after version ${this.#version.value}`,
      );
    const nowMs = Math.max(this.#options.clock.now(), timestamp.timeMs);
    if (timestamp.expiresMs <= nowMs)
      throw new BlindsightError(
        'TRUST_STALE',
        `a timestamp came that expired on ${iso(timestamp.expiresMs)}; here it is ${iso(nowMs)}`,
      );
    if (ownerKeys !== null && ownerKeys.expiresMs <= nowMs)
      throw new BlindsightError(
        'TRUST_EXPIRED',
        `a list of owner keys came that expired on ${iso(ownerKeys.expiresMs)}; here it is ${iso(nowMs)}`,
      );
  }

  /** Whether the site ever told this gateway anything. */
  get #isTold(): boolean {
    return this.#belief !== null || this.#number.value > 0;
  }

  /** Why nothing new can be accepted, or null. */
  #staleness(): string | null {
    if (this.#belief === null) return 'what the site said before is lost here, and it has not said it again';
    const { timestamp, ownerKeys } = this.#belief;
    const nowMs = this.#now();
    if (timestamp.expiresMs <= nowMs)
      return `the newest timestamp of the site expired on ${iso(timestamp.expiresMs)}; here it is ${iso(nowMs)}`;
    if (ownerKeys !== null && ownerKeys.expiresMs <= nowMs)
      return `the list of owner keys expired on ${iso(ownerKeys.expiresMs)}; here it is ${iso(nowMs)}`;
    return null;
  }

  #now(): number {
    return Math.max(this.#options.clock.now(), this.#belief?.timestamp.timeMs ?? 0);
  }

  #tell(): void {
    const { status } = this.report;
    if (status === this.#told) return;
    this.#told = status;
    if (status === 'stale') {
      const why = this.#staleness() ?? '';
      this.#options.log.error({ code: 'TRUST_STALE' }, `nothing new is accepted: ${why}`);
      this.#host?.onEvent('error', 'TRUST_STALE', `nothing new is accepted: ${why}`);
    }
    this.#host?.onReport();
  }
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
