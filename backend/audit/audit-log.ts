import type { KeyObject } from 'node:crypto';
import { BlindsightError } from '#protocol/errors.ts';
import { type Clock, systemClock } from '#runtime/clock.ts';
import type { AuditEntry, NewEntry } from '../store/audit.ts';
import { type Anchored, auditKey, moveCheckpoint } from './checkpoint.ts';

/** What somebody did, before it is known how it ended. */
export type Act = Omit<NewEntry, 'timeMs' | 'outcome' | 'began' | 'details'> & {
  /** Without secrets. */
  readonly details?: Readonly<Record<string, unknown>>;
};

/** An act that has begun. */
export type Begun = { readonly seq: number; readonly act: Act };

export const BEGUN = 'begun';
export const DONE = 'ok';

export type AuditLogOptions = {
  readonly clock?: Clock;
  /** Hears what keeps the log from being signed, see {@link moveCheckpoint}. */
  readonly onTrouble?: (message: string) => void;
  readonly onEntry?: (entry: AuditEntry) => void;
};

/**
 * Writes down who did what. An act is noted before it happens, and once more with how it ended: what cannot be noted does not happen, and what was cut short by a
 * crash still shows.
 */
export class AuditLog {
  readonly #site: Anchored;
  readonly #options: AuditLogOptions;
  readonly #clock: Clock;

  constructor(site: Anchored, options: AuditLogOptions = {}) {
    this.#site = site;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  /** Notes that an act begins. @throws BlindsightError AUDIT_UNWRITABLE: then it must not. */
  async begin(act: Act): Promise<Begun> {
    const { seq } = await this.#write(act, BEGUN, null);
    return { seq, act };
  }

  /** Notes how an act ended: {@link DONE}, or the code of an error. @throws BlindsightError AUDIT_UNWRITABLE */
  async end({ seq, act }: Begun, outcome: string): Promise<void> {
    const { details: _, ...rest } = act;
    await this.#write(rest, outcome, seq);
  }

  /** Notes what began and ended at once, such as a refusal. @throws BlindsightError AUDIT_UNWRITABLE */
  async note(act: Act, outcome: string): Promise<void> {
    await this.#write(act, outcome, null);
  }

  async #write({ details = {}, ...act }: Act, outcome: string, began: number | null): Promise<AuditEntry> {
    const { store } = this.#site;
    const timeMs = this.#clock.now();
    try {
      const key = await auditKey(this.#site, timeMs);
      const entry = await store.audit.append({
        ...{ ...act, outcome, began, timeMs },
        details: JSON.stringify(details),
      });
      this.#options.onEntry?.(entry);
      await this.#sign(key, timeMs);
      return entry;
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new BlindsightError('AUDIT_UNWRITABLE', `the audit log cannot be written: ${why}`, { cause });
    }
  }

  /** The entry stands without a signature, too; only whoever cuts it off would not be found out. */
  async #sign(key: KeyObject | null, timeMs: number): Promise<void> {
    const site = this.#site;
    try {
      const trouble = await site.store.audit.locked((audit) => moveCheckpoint(site, audit, key, timeMs));
      if (trouble !== null) this.#options.onTrouble?.(trouble);
    } catch (error) {
      this.#options.onTrouble?.(error instanceof Error ? error.message : String(error));
    }
  }
}
