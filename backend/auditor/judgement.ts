import type { Clock } from '#runtime/clock.ts';
import type { Logger } from '#runtime/log.ts';
import { MinuteBudget } from '#runtime/minute-budget.ts';
import type { AuditVerdict, ChallengeRecord } from '../store/challenges.ts';
import { quarantineGateway } from '../store/quarantine-gateway.ts';
import type { Store } from '../store/store.ts';

export type JudgementOptions = {
  readonly store: Store;
  /** Challenges in a row with answers missing that bring a gateway into quarantine. */
  readonly missing: number;
  readonly clock: Clock;
  readonly log: Logger;
  /** Called after a verdict is durable. */
  readonly onVerdict: (gateway: string, verdict: AuditVerdict) => void;
};

const DAY_MS = 86_400_000;

/**
 * How many answers may be missing before that alone brings a gateway into quarantine, whatever it answers in between. Who lies until he is asked,
 * keeps silent then and answers honestly for a while, gives 1 / share dishonest answers in the mean for each one missing: at a share of 2 %, 300 a
 * day and 600 a month; recovering a key took 1024. An honest gateway misses what it was being asked when its power was cut, a second's worth.
 */
export const MISSING_BUDGETS = [
  { days: 1, answers: 6 },
  { days: 30, answers: 12 },
] as const;
/** Of one challenge no more count: what a busy gateway is asked in the moment of a power cut is one accident. */
const COUNTED_OF_MESSAGE = 3;

/** Writes verdicts, and what follows from them, in one transaction: no crash lies between proof and quarantine. */
export class Judgement {
  readonly #options: JudgementOptions;
  readonly #budget: MinuteBudget;

  constructor(options: JudgementOptions) {
    this.#options = options;
    this.#budget = new MinuteBudget(options.clock);
  }

  /** @returns false where there was a verdict about this answer before. */
  async settle(challenge: ChallengeRecord, verdict: AuditVerdict): Promise<boolean> {
    const { store, clock, log, onVerdict } = this.#options;
    const { gateway } = challenge;
    const nowMs = clock.now();
    const end = await store.transaction(async (inside) => {
      const counts = await inside.challenges.settle(challenge, verdict, nowMs);
      if (counts === null || verdict === 'equal') return { isNew: counts !== null, why: null };
      await this.#tell(inside, challenge, verdict, nowMs);
      const why =
        verdict === 'unequal'
          ? proofOf(challenge)
          : await this.#tooManyMissing(inside, gateway, counts.missingInARow, nowMs);
      const isIn = (await inside.gateways.get(gateway))?.quarantine != null;
      const begins = why !== null && (await quarantineGateway(inside, gateway, why, nowMs));
      // What is missing during a quarantine counts no more when it is over.
      if (isIn || begins) await inside.challenges.startAnew(gateway, nowMs);
      return { isNew: true, why: begins ? why : null };
    });
    if (end.why !== null)
      log.error({ gateway, code: 'GATEWAY_QUARANTINED' }, `gateway ${gateway} is in quarantine: ${end.why}`);
    if (end.isNew) onVerdict(gateway, verdict);
    return end.isNew;
  }

  async #tooManyMissing(
    inside: Store,
    gateway: string,
    inARow: number,
    nowMs: number,
  ): Promise<string | null> {
    if (inARow >= this.#options.missing)
      return `it did not open its answers when it was asked to, ${inARow} times in a row, though it went on sending`;
    for (const { days, answers } of MISSING_BUDGETS) {
      const counts = await inside.challenges.missingOfMessages(gateway, nowMs - days * DAY_MS);
      const missing = counts.reduce((sum, count) => sum + Math.min(count, COUNTED_OF_MESSAGE), 0);
      const within = days === 1 ? 'within a day' : `within ${days} days`;
      if (missing > answers)
        return `it did not open ${missing} of its answers ${within}, though it went on sending`;
    }
    return null;
  }

  async #tell(
    inside: Store,
    challenge: ChallengeRecord,
    verdict: Exclude<AuditVerdict, 'equal'>,
    timeMs: number,
  ): Promise<void> {
    const { gateway, camera } = challenge;
    // A proof is always told; a gateway that opens nothing must not displace the entries of others.
    if (verdict === 'missing' && !this.#budget.take(gateway)) return;
    const code = verdict === 'unequal' ? 'AUDIT_UNEQUAL' : 'AUDIT_MISSING';
    const level = verdict === 'unequal' ? 'error' : 'warn';
    const message =
      verdict === 'unequal'
        ? `${gateway}: ${proofOf(challenge)}`
        : `${gateway} did not open an answer of camera ${camera} when it was asked to`;
    this.#options.log[level]({ gateway, camera, code }, message);
    await inside.journal.add({ timeMs, level, code, subject: gateway, message });
  }
}

function proofOf({ camera, frameTimeMs, session, sequence }: ChallengeRecord): string {
  const time = new Date(frameTimeMs).toISOString();
  return `an audit proved that its network did not compute the answer of camera ${camera} dated ${time} (number ${sequence} of session ${session})`;
}
