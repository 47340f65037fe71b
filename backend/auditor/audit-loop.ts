import { decodeManifest } from '#protocol/manifest.ts';
import type { Clock } from '#runtime/clock.ts';
import type { Logger } from '#runtime/log.ts';
import { RareLines } from '#runtime/rare-lines.ts';
import { RetryLadder } from '#runtime/retry.ts';
import type { AuditVerdict, ChallengeRecord } from '../store/challenges.ts';
import type { Store } from '../store/store.ts';
import type { AuditJob, AuditOutcome } from './audit-task.ts';

export type AuditLoopOptions = {
  readonly store: Store;
  readonly site: string;
  /** See {@link ThreadAuditor}. */
  readonly audit: (job: AuditJob) => Promise<AuditOutcome>;
  readonly settle: (challenge: ChallengeRecord, verdict: AuditVerdict) => Promise<unknown>;
  /** Called when an audit failed for reasons of our own. */
  readonly onUndone: () => void;
  readonly clock: Clock;
  readonly log: Logger;
};

/** Openings that are in memory at once. */
const BATCH = 16;
const LOOK_MS = 1000;

/** Works through the openings that have come: one at a time, one network after the other. */
export class AuditLoop {
  readonly #options: AuditLoopOptions;
  readonly #rare: RareLines;

  constructor(options: AuditLoopOptions) {
    this.#options = options;
    this.#rare = new RareLines(options.clock);
  }

  /** Audits until the signal aborts. What fails for reasons of our own waits, later ones first. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#options;
    const ladder = new RetryLadder([1000, 5000, 30_000, 120_000]);
    while (!signal.aborted) {
      let pauseMs: number;
      try {
        const end = await this.look(signal);
        if (end !== 'undone') ladder.reset();
        pauseMs = end === 'done' ? 0 : end === 'none' ? LOOK_MS : ladder.next();
      } catch (error) {
        if (!signal.aborted) log.warn({ err: error }, 'answers could not be audited; trying again');
        pauseMs = ladder.next();
      }
      await clock.sleep(pauseMs, signal).catch(() => {});
    }
  }

  /** Audits some of what has come. @returns `undone` if any of it failed for reasons of our own */
  async look(signal?: AbortSignal): Promise<'none' | 'done' | 'undone'> {
    const { store } = this.#options;
    const batch = await store.challenges.opened(BATCH);
    if (batch.length === 0) return 'none';
    let end: 'done' | 'undone' = 'done';
    for (const same of Map.groupBy(batch, ({ bundle }) => bundle).values())
      for (const challenge of same) {
        if (signal?.aborted) return end;
        if (!(await this.#audit(challenge, signal))) end = 'undone';
      }
    return end;
  }

  async #audit(challenge: ChallengeRecord, signal?: AbortSignal): Promise<boolean> {
    const { store, audit, settle, onUndone, log } = this.#options;
    const { gateway, bundle } = challenge;
    let outcome: AuditOutcome;
    try {
      outcome = await audit(await this.#job(challenge));
    } catch (error) {
      // Ended with everything else.
      if (signal?.aborted) return false;
      await store.challenges.noteUndone(challenge.id);
      const count = this.#rare.take(bundle);
      if (count > 0)
        log.warn(
          { err: error, gateway, bundle, count },
          'an answer could not be audited for a reason of our own',
        );
      onUndone();
      return false;
    }
    await settle(challenge, outcome === 'no-opening' ? 'missing' : outcome);
    return true;
  }

  async #job({
    gateway,
    camera,
    regions,
    others,
    later,
    frameTimeMs,
    bundle,
    digest,
    opening,
  }: ChallengeRecord): Promise<AuditJob> {
    const deployment = await this.#options.store.deployments.get(bundle);
    if (deployment === null || opening === null)
      throw new Error(`the release ${bundle} is not known any more`);
    const { manifest } = decodeManifest(deployment.manifest);
    const { site } = this.#options;
    return {
      place: {
        ...{ site, gateway, camera, frameTimeMs, bundle },
        ...{ ...(regions !== undefined && { regions }), ...(others !== undefined && { others }) },
        ...(later !== undefined && { later }),
      },
      answer: digest,
      opening,
      parts: manifest.parts,
    };
  }
}
