import { randomBytes } from 'node:crypto';
import { BlindsightError } from '#protocol/errors.ts';
import type { Clock } from '#runtime/clock.ts';
import type { AuditJob, AuditOutcome } from './audit-task.ts';

/** A job, under the name by which its verdict comes back. */
export type OfferedJob = { readonly id: string; readonly job: AuditJob };

type Current = OfferedJob & {
  readonly resolve: (outcome: AuditOutcome) => void;
  readonly reject: (error: unknown) => void;
};

/** A network of a gigabyte is fetched and run by then. */
const PATIENCE_MS = 600_000;

/** The backend's side of `blindsight auditor`: holds one job at a time ready until somebody fetches it and brings a verdict. */
export class RemoteAuditor {
  readonly #clock: Clock;
  #current: Current | null = null;
  readonly #waiting = new Set<() => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @throws BlindsightError AUDITOR_AWAY where nobody brings a verdict in time, or {@link close} is called. One call at a time. */
  async audit(job: AuditJob): Promise<AuditOutcome> {
    const { promise, resolve, reject } = Promise.withResolvers<AuditOutcome>();
    const over = new AbortController();
    this.#current = { id: randomBytes(16).toString('hex'), job, resolve, reject };
    for (const wake of this.#waiting) wake();
    this.#clock.sleep(PATIENCE_MS, over.signal).then(
      () => reject(new BlindsightError('AUDITOR_AWAY', 'no auditor has judged an answer in ten minutes')),
      () => {},
    );
    try {
      return await promise;
    } finally {
      over.abort();
      this.#current = null;
    }
  }

  /**
   * The job at hand, again where whoever fetched it before did not bring a verdict; null where there is none for so long.
   *
   * @param knows what the auditor knows beside answers by themselves: those about several cameras, and those that are gathered. A job of which it knows nothing fails, alone, and those behind
   *   it have their turn
   */
  async offer(
    waitMs: number,
    signal: AbortSignal,
    knows: { readonly shared: boolean; readonly gathered: boolean },
  ): Promise<OfferedJob | null> {
    if (this.#current === null) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const enough = new AbortController();
      this.#waiting.add(resolve);
      const limit = AbortSignal.any([signal, enough.signal]);
      await Promise.race([promise, this.#clock.sleep(waitMs, limit).catch(() => {})]);
      enough.abort();
      this.#waiting.delete(resolve);
    }
    const { others, later } = this.#current?.job.place ?? {};
    if ((knows.shared || others === undefined) && (knows.gathered || later === undefined))
      return this.#current;
    // It would take the further ones for a lie.
    const what = later === undefined ? 'answers about several cameras' : 'answers that are gathered';
    const message = `the auditor is of a version that knows no ${what}: update it`;
    this.#current?.reject(new BlindsightError('AUDITOR_OUTDATED', message));
    return null;
  }

  /** Whether a file is part of the network of the job at hand: nothing else is given out. */
  needs(sha256: string): boolean {
    return this.#current?.job.parts.some((part) => part.sha256 === sha256) ?? false;
  }

  /** @returns false where that job is not at hand any more */
  settle(id: string, outcome: AuditOutcome): boolean {
    if (this.#current?.id !== id) return false;
    this.#current.resolve(outcome);
    return true;
  }

  /** The backend is closing. */
  close(): void {
    this.#current?.reject(new BlindsightError('AUDITOR_AWAY', 'the backend is closing'));
  }
}
