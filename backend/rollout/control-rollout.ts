import { BlindsightError } from '#protocol/errors.ts';
import { type Clock, systemClock } from '#runtime/clock.ts';
import type { Site } from '../site.ts';
import type { RolloutRecord } from '../store/rollouts.ts';
import type { Store } from '../store/store.ts';
import { endRollout } from './end-rollout.ts';
import { beginRollout, checkMachines, type Planned, type RolloutPace } from './start-rollout.ts';
import { titleOf } from './title-of.ts';

export type ControlOptions = {
  readonly site: Pick<Site, 'store'>;
  readonly id: number;
  /** Who does it, for the journal. */
  readonly author: string;
  readonly clock?: Clock;
};

/** @throws BlindsightError ROLLOUT_NOT_FOUND. */
export async function findRollout({ store }: Pick<Site, 'store'>, id: number): Promise<RolloutRecord> {
  const rollout = await store.rollouts.get(id);
  if (rollout === null) throw new BlindsightError('ROLLOUT_NOT_FOUND', `there is no rollout ${id}`);
  return rollout;
}

/**
 * Begins no further wave and releases to nobody until it is resumed. Gateways that have the release go on with it, and their time limits, like
 * that of the whole rollout, go on as well.
 *
 * @throws BlindsightError ROLLOUT_NOT_FOUND, ROLLOUT_STATE where it does not run.
 */
export function pauseRollout(options: ControlOptions): Promise<RolloutRecord> {
  return change(options, 'paused', (store, nowMs) => store.rollouts.pause(options.id, nowMs));
}

/** @throws BlindsightError ROLLOUT_NOT_FOUND, ROLLOUT_STATE where it is not paused. */
export function resumeRollout(options: ControlOptions): Promise<RolloutRecord> {
  return change(options, 'resumed', (store) => store.rollouts.resume(options.id));
}

/**
 * Ends a rollout at once: nobody is released to any more. Gateways that have the release keep it, whatever becomes of it there.
 *
 * @throws BlindsightError ROLLOUT_NOT_FOUND, ROLLOUT_STATE where it has ended.
 */
export async function abortRollout({
  site,
  id,
  author,
  clock = systemClock,
}: ControlOptions): Promise<RolloutRecord> {
  const rollout = await findRollout(site, id);
  const aborted = await site.store.transaction((store) =>
    endRollout(store, rollout, 'aborted', `aborted by ${author}`, clock.now()),
  );
  if (!aborted) throw wrongState(await findRollout(site, id), 'aborted');
  return findRollout(site, id);
}

/**
 * Takes back what a rollout did: a new rollout, of one wave where nothing else is said, that releases to each gateway what it ran before. Gateways
 * that never got the release, refused it or went back by themselves are left alone, and so are those that something else was released to since.
 *
 * @throws BlindsightError ROLLOUT_NOT_FOUND, ROLLOUT_STATE where it has not ended, ROLLOUT_TARGET where there is nothing to take back, and
 *   as `startRollout`
 */
export async function takeBackRollout({
  clock = systemClock,
  ...options
}: ControlOptions & RolloutPace): Promise<RolloutRecord> {
  const { site, id, author } = options;
  const rollout = await findRollout(site, id);
  if (rollout.state === 'running' || rollout.state === 'paused') throw wrongState(rollout, 'taken back');
  const plan = await planBack(site.store, rollout);
  if (plan.length === 0) {
    const message = `no gateway runs what rollout ${id} released and is known to have run something else before`;
    throw new BlindsightError('ROLLOUT_TARGET', message);
  }
  if (rollout.kind === 'software') await checkMachines(site.store, plan);
  return beginRollout({
    waves: ['100%'],
    limitMs: rollout.limitMs,
    // One that cannot go back must not keep the others from it.
    maxFailures: plan.length,
    ...options,
    ...{ kind: rollout.kind, target: null, author, undoes: id, plan, clock },
  });
}

async function planBack(store: Store, rollout: RolloutRecord): Promise<Planned[]> {
  const facts = new Map((await store.rollouts.facts(rollout)).map((one) => [one.gateway, one]));
  const plan: Planned[] = [];
  for (const row of await store.rollouts.gateways(rollout.id)) {
    const isUnderWay = row.state === 'done' || row.state === 'timed-out' || row.state === 'left';
    const isNewest = row.digest !== null && facts.get(row.gateway)?.newest?.digest === row.digest;
    const gateway = await store.gateways.get(row.gateway);
    if (!isUnderWay || !isNewest || gateway === null || row.earlier === null) continue;
    plan.push({ gateway, target: row.earlier, beside: row.beside, earlier: row.target });
  }
  return plan;
}

async function change(
  { site, id, author, clock = systemClock }: ControlOptions,
  done: 'paused' | 'resumed',
  work: (store: Store, nowMs: number) => Promise<boolean>,
): Promise<RolloutRecord> {
  const rollout = await findRollout(site, id);
  const nowMs = clock.now();
  const changed = await site.store.transaction(async (store) => {
    if (!(await work(store, nowMs))) return false;
    await store.journal.add({
      timeMs: nowMs,
      level: 'info',
      code: done === 'paused' ? 'ROLLOUT_PAUSED' : 'ROLLOUT_RESUMED',
      subject: `rollout ${id}`,
      message: `${author} ${done} rollout ${id} of ${titleOf(rollout)}`,
    });
    return true;
  });
  if (!changed) throw wrongState(await findRollout(site, id), done);
  return findRollout(site, id);
}

function wrongState({ id, state }: RolloutRecord, wanted: string): BlindsightError {
  const now = state === 'running' || state === 'paused' ? `is ${state}` : `has ended: ${state}`;
  return new BlindsightError('ROLLOUT_STATE', `rollout ${id} ${now}, so it cannot be ${wanted}`);
}
