import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ErrorCode } from '#protocol/errors.ts';
import type { Clock } from '#runtime/clock.ts';
import type { Logger } from '#runtime/log.ts';
import { type Condition, passHealthGate } from './health-gate.ts';
import type { Slots } from './slots.ts';
import { givenUp, type SoftwareStateFile, type Trial } from './software-state.ts';

export type ProveOptions = {
  readonly state: SoftwareStateFile;
  readonly slots: Slots;
  readonly trial: Trial;
  readonly condition: () => Condition;
  readonly proveLink: () => Promise<boolean>;
  readonly clock: Clock;
  readonly log: Logger;
};

const RETRY_MS = 2_000;

/**
 * Tries the running program: once everything is as well as before the update it is what is started from now on; if that does not come in time, or the
 * disk does not take it, the program before it is.
 *
 * @returns whether it proved itself; otherwise this process should end
 * @throws the signal's reason
 */
export async function prove(options: ProveOptions, signal: AbortSignal): Promise<boolean> {
  const { state, slots, trial, clock, log } = options;
  const end = clock.monotonic() + trial.limitMs;
  log.info({ slot: trial.slot, tries: trial.tries, before: trial.before }, 'an update is on trial');
  const lacking = await passHealthGate(options, signal);
  const after = `after ${trial.limitMs / 1000} s`;
  if (lacking !== null) return await giveUp(options, 'SOFTWARE_UNHEALTHY', `${after}: ${lacking}`);
  for (;;) {
    try {
      await slots.markProven(trial.slot);
      const { active } = state.current;
      const { slot, digest } = trial;
      await state.update({ active: { slot, digest }, previous: active, trial: null, takenBack: null });
      // The guard finds nothing to end any more; see bin/launch-agent.
      await rm(join(slots.folder, `trial.${process.pid}`), { force: true });
      return true;
    } catch (error) {
      if (clock.monotonic() >= end) {
        const why = error instanceof Error ? error.message : String(error);
        return await giveUp(
          options,
          'SOFTWARE_NO_ROOM',
          `${after}: the disk does not take its proof: ${why}`,
        );
      }
      await clock.sleep(RETRY_MS, signal);
    }
  }
}

/** Where the disk does not take this either, the launcher counts the next try. */
async function giveUp({ state, log }: ProveOptions, code: ErrorCode, message: string): Promise<false> {
  log.error({ code }, `this update is given up: ${message}`);
  await state
    .update(givenUp(state.current, code, message))
    .catch((error: unknown) => log.error({ err: error }, 'the state of updates cannot be written'));
  return false;
}
