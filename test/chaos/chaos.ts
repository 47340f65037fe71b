import { setTimeout as delay } from 'node:timers/promises';
import type { CityQueueKind } from '#bench/city/city-queue.ts';
import type { CityStoreKind } from '#bench/city/city-store.ts';
import { currentCommit, describeMachine } from '#bench/machine.ts';
import { type Account, account } from './account.ts';
import type { ChaosReport } from './chaos-report.ts';
import type { Kind, Moment } from './kind.ts';
import { ALL_KINDS } from './kinds/all.ts';
import { readSettled } from './read-settled.ts';
import { drawSchedule } from './schedule.ts';
import { describeSurprise, isExplained, type Struck } from './surprise.ts';
import { type ChaosBroker, World } from './world.ts';

export type ChaosOptions = {
  readonly seed: number;
  /** How long faults happen. */
  readonly seconds: number;
  readonly gateways: number;
  /** Answers a second and gateway. */
  readonly rate: number;
  readonly store: CityStoreKind;
  readonly broker: ChaosBroker;
  /** Where answers wait with NATS: in the database where left out. */
  readonly queue?: CityQueueKind;
  /** Mean time from one fault to the next. */
  readonly everyMs: number;
  /** All where left out. */
  readonly kinds?: readonly string[];
  /** After the last fault the first gateway is made to lose an answer, and the last one to send one under two numbers: the account must find both. */
  readonly isSabotaged?: boolean;
  readonly signal: AbortSignal;
  readonly onProgress: (text: string, share: number) => void;
};

/** For all that waits to get through once all is well again. */
const PATIENCE_MS = 240_000;
const SABOTAGE_MS = 4_000;

/**
 * Runs a site, hurts it at moments that follow from the seed, lets it heal, and asks for each answer that was ever made where it went. The folder with logs and ledgers stays where something is
 * wrong.
 *
 * @throws the signal's reason; an Error where a kind of fault is not known, or the site does not even start
 */
export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const { seed, seconds, signal, onProgress } = options;
  const named = options.kinds?.map((name) => kindOf(name)) ?? ALL_KINDS;
  const world = await World.open(options);
  let isWell = false;
  try {
    const kinds = named.flatMap((kind) => possible(world, options, kind) ?? []);
    const moments = drawSchedule(kinds, {
      ...{ seed, ms: 1000 * seconds, everyMs: options.everyMs, targets: world.targets },
    });
    const { counts, struck } = await strikeAll(world, moments, options);
    if (options.isSabotaged) {
      await world.untilLive(signal);
      const all = [...world.gateways.values()];
      all[0]!.tell({ sabotage: 'lose' });
      all.at(-1)!.tell({ sabotage: 'double' });
      await delay(SABOTAGE_MS, undefined, { signal });
    }
    onProgress('healing', 1);
    const healingMs = performance.now();
    const result = await settle(world, signal);
    const healSeconds = Math.round((performance.now() - healingMs) / 1000);
    const surprises = [...world.processes.values()].flatMap((one) => one.surprises);
    const unexplained = surprises.filter((one) => !isExplained(one, struck));
    const obstacles = [...world.gateways].flatMap(([name, { status }]) =>
      status !== null && status.waiting > 0 ? [`${name}: ${status.obstacle ?? 'nothing is in its way'}`] : [],
    );
    const wrong = [
      ...[...result.wrong, ...obstacles],
      ...unexplained.map((one) => `no fault explains that it ended: ${describeSurprise(one)}`),
    ];
    isWell = result.lost.length + result.twice.length + wrong.length === 0;
    return {
      ...{ machine: describeMachine(), commit: await currentCommit(), seed, seconds },
      ...{ gateways: options.gateways, rate: options.rate, store: options.store, everyMs: options.everyMs },
      broker: options.broker,
      moments: counts,
      impossible: named.map(({ name }) => name).filter((name) => kinds.every((kind) => kind.name !== name)),
      ...{ ...result, wrong, isWell, healSeconds },
      surprises: surprises.map(describeSurprise),
      folder: isWell ? null : world.folder,
    };
  } finally {
    await world.close(!isWell && !signal.aborted);
  }
}

function kindOf(name: string): Kind {
  const kind = ALL_KINDS.find((one) => one.name === name);
  if (kind === undefined)
    throw new Error(`no kind of fault ${name}; there are ${ALL_KINDS.map((one) => one.name).join(', ')}`);
  return kind;
}

/** A kind with those of its targets that this world has for it; null where there is none. */
function possible(world: World, { store, broker, queue }: ChaosOptions, kind: Kind): Kind | null {
  const { needs } = kind;
  if (
    needs === 'disks'
      ? world.disks.size === 0
      : needs !== undefined && ![store, broker, queue].includes(needs as never)
  )
    return null;
  const targets = kind.targets.filter(
    (target) =>
      world.targets[target].length > 0 && !(target === 'broker' && kind.broker && broker !== 'aedes'),
  );
  return targets.length === 0 ? null : { ...kind, targets };
}

/** @returns how many moments of each kind there were, and when */
async function strikeAll(
  world: World,
  moments: readonly Moment[],
  { seconds, signal, onProgress }: ChaosOptions,
): Promise<{ counts: Readonly<Record<string, number>>; struck: readonly Struck[] }> {
  const begunMs = performance.now();
  const counts: Record<string, number> = {};
  const struck: Struck[] = [];
  const running: Promise<void>[] = [];
  const failures: Error[] = [];
  for (const moment of moments) {
    await delay(Math.max(0, begunMs + moment.atMs - performance.now()), undefined, { signal });
    counts[moment.kind] = (counts[moment.kind] ?? 0) + 1;
    onProgress(`${moment.kind} ${moment.target}`, moment.atMs / 1000 / seconds);
    const kind = kindOf(moment.kind);
    const { target } = moment;
    const fault: Struck = { kind, target, fromMs: performance.now(), toMs: Number.POSITIVE_INFINITY };
    struck.push(fault);
    running.push(
      kind
        .strike(world, moment, signal)
        .catch((cause: unknown) => {
          failures.push(new Error(`${moment.kind} ${target} could not be done`, { cause }));
        })
        .finally(() => {
          fault.toMs = performance.now();
        }),
    );
  }
  await Promise.all(running);
  signal.throwIfAborted();
  if (failures[0] !== undefined) throw failures[0];
  return { counts, struck };
}

async function settle(world: World, signal: AbortSignal): Promise<Account> {
  world.heal();
  const waiting = await world.untilDrained(PATIENCE_MS, signal);
  const { settled, counters } = await readSettled(world.site.data);
  const backendOffMs = world.targets.backend.flatMap((name) => world.clockOffMs(name));
  return account({
    ...{ waiting, settled, counters, backendOffMs },
    ledgers: new Map([...world.gateways].map(([name, gateway]) => [name, gateway.ledger()])),
    dropped: new Map([...world.gateways].map(([name, { status }]) => [name, status?.dropped ?? 0])),
  });
}
