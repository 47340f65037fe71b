import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { BlindsightError } from '#protocol/errors.ts';
import type { Slots } from '../software/slots.ts';
import { givenUp, type Slot, SoftwareStateFile, type Trial } from '../software/software-state.ts';

/** What is started, and after which time it is ended if it has not proved itself or given up; 0 where it has proved itself. */
export type Choice = { readonly slot: Slot | 'base'; readonly guardMs: number };

/** A program that ends this often before it has proved itself is given up. */
export const TRIES = 3;
/** Left by the guard of a trial when its time was over; see bin/launch-agent. */
const OVERDUE = 'overdue';

/**
 * Chooses the program to start: the one on trial, else the one that proved itself last, the one before it, and the installed one at last. What is
 * not whole is not started. A try is counted on disk before it begins.
 *
 * @param say gets a line for each choice that is not the usual one
 */
export async function choose(slots: Slots, say: (line: string) => void): Promise<Choice> {
  const file = await SoftwareStateFile.open(slots.folder, () => slots.recover());
  const isOverdue = existsSync(join(slots.folder, OVERDUE));
  const { trial } = file.current;
  if (trial !== null) {
    const refusal = await refuse(slots, file, trial, isOverdue);
    if (refusal === null) {
      say(`update in slot ${trial.slot}: try ${trial.tries + 1} of ${TRIES}`);
      clear(slots.folder);
      return { slot: trial.slot, guardMs: trial.limitMs + trial.graceMs };
    }
    say(`update in slot ${trial.slot} is given up: ${refusal.message} (${refusal.code})`);
    await giveUp(slots, file, trial, refusal);
  }
  clear(slots.folder);
  return { slot: await proven(slots, file, say), guardMs: 0 };
}

/** Counts a try. @returns why there is none, or null */
async function refuse(
  slots: Slots,
  file: SoftwareStateFile,
  trial: Trial,
  isOverdue: boolean,
): Promise<BlindsightError | null> {
  if (isOverdue)
    return new BlindsightError(
      'SOFTWARE_UNHEALTHY',
      `it neither proved itself nor gave up within ${(trial.limitMs + trial.graceMs) / 1000} s`,
    );
  if (trial.tries >= TRIES)
    return new BlindsightError('SOFTWARE_DIED', `it ended ${trial.tries} times before it had proved itself`);
  try {
    await slots.check(trial);
  } catch (error) {
    return asError(error);
  }
  try {
    await file.update({ trial: { ...trial, tries: trial.tries + 1 } });
    return null;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return new BlindsightError('SOFTWARE_NO_ROOM', `its tries cannot be counted on disk: ${why}`);
  }
}

async function giveUp(
  slots: Slots,
  file: SoftwareStateFile,
  { slot }: Trial,
  { code, message }: BlindsightError,
): Promise<void> {
  const change = givenUp(file.current, code, message);
  try {
    await file.update(change);
  } catch {
    // A disk that is full is less so without it. Where that does not help, the next start gives it up again.
    await slots.remove(slot).catch(() => {});
    await file.update(change).catch(() => {});
  }
}

async function proven(
  slots: Slots,
  file: SoftwareStateFile,
  say: (line: string) => void,
): Promise<Slot | 'base'> {
  const { active, previous } = file.current;
  if (active === null) return 'base';
  let news: { code: string; message: string } | null = null;
  for (const place of [active, previous]) {
    if (place === null) continue;
    try {
      await slots.check(place);
      if (news !== null) await file.update({ active: place, previous: null, news }).catch(() => {});
      return place.slot;
    } catch (error) {
      const { code, message } = asError(error);
      say(`slot ${place.slot} is not started: ${message} (${code})`);
      news ??= { code, message };
    }
  }
  say('the installed program is started');
  await file.update({ active: null, previous: null, news }).catch(() => {});
  return 'base';
}

/** Removes marks of trials before this start, whose guards find nothing then, and what a power cut left of the state file. */
function clear(folder: string): void {
  for (const name of readdirSync(folder))
    if (name === OVERDUE || /^trial\.\d+$|^\.state\.json\..+\.tmp$/.test(name))
      rmSync(join(folder, name), { force: true });
}

function asError(error: unknown): BlindsightError {
  if (error instanceof BlindsightError) return error;
  return new BlindsightError('SOFTWARE_DAMAGED', error instanceof Error ? error.message : String(error));
}
