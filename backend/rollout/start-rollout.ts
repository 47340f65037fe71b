import { BlindsightError } from '#protocol/errors.ts';
import { type Clock, systemClock } from '#runtime/clock.ts';
import { chooseKeySet, type KeyChoice } from '../operations/choose-key-set.ts';
import { checkAnswerSize } from '../operations/deploy-model.ts';
import { findModel } from '../operations/models.ts';
import { checkBeside, isBeside, type NetworkPlace } from '../operations/network-place.ts';
import type { Site } from '../site.ts';
import { chooseArchive } from '../software/release-software.ts';
import type { DeploymentRecord } from '../store/deployments.ts';
import type { GatewayRecord } from '../store/gateways.ts';
import type { ModelRecord } from '../store/models.ts';
import type { NewRolloutGateway, RolloutRecord, Target } from '../store/rollouts.ts';
import type { Store } from '../store/store.ts';
import { endRollout } from './end-rollout.ts';
import { findTargets } from './find-targets.ts';
import { titleOf } from './title-of.ts';
import { DEFAULT_WAVES, sizeWaves } from './waves.ts';

/** How a rollout goes about it. */
export type RolloutPace = {
  /** See {@link sizeWaves}. */
  readonly waves?: readonly string[];
  /** For each gateway, from its release on, ms. Half an hour where left out. */
  readonly limitMs?: number;
  /** For all of it, pauses included, ms. A week where left out, and more where the waves may take longer. */
  readonly totalMs?: number;
  /** Gateways that may fail or time out before no further wave begins; 0 where left out. */
  readonly maxFailures?: number;
  /** Aborts other rollouts that one of the gateways is in. */
  readonly instead?: boolean;
  /** Of a network: as in `deploy`. */
  readonly keys?: KeyChoice;
  readonly place?: NetworkPlace;
};

/** What a rollout releases; of a network the newest version where none is named. */
export type RolloutSubject =
  | { readonly kind: 'model'; readonly name: string; readonly version?: number }
  | { readonly kind: 'software'; readonly version: string };

export type StartRolloutOptions = RolloutPace & {
  readonly site: Pick<Site, 'name' | 'store' | 'vault'>;
  readonly what: RolloutSubject;
  /** Gateways, groups, or `all`. */
  readonly to: readonly string[];
  readonly author: string;
  readonly maxMessageBytes?: number;
  readonly clock?: Clock;
};

const DEFAULT_LIMIT_MS = 30 * 60_000;
const DEFAULT_TOTAL_MS = 7 * 86_400_000;
/** A month for one gateway, a year for all. */
export const MOST_LIMIT_MS = 31 * 86_400_000;
export const MOST_TOTAL_MS = 366 * 86_400_000;
const MAX_AUTHOR = 100;

/**
 * Begins to release something to many gateways; the running backend moves it on, wave by wave.
 *
 * @throws BlindsightError MODEL_NOT_FOUND, KEYS_UNDECIDED, GATEWAY_TOO_OLD, GATEWAY_NETWORKS, ANSWER_TOO_LARGE, SOFTWARE_NOT_FOUND, GATEWAY_MACHINE, ROLLOUT_TARGET, ROLLOUT_WAVES, ROLLOUT_LIMIT,
 *   ROLLOUT_CONFLICT; nothing has begun then
 */
export async function startRollout(options: StartRolloutOptions): Promise<RolloutRecord> {
  const { site, what, author, maxMessageBytes, clock = systemClock } = options;
  const target = await findTarget(site, what, maxMessageBytes);
  const gateways = await findTargets(site.store, options.to);
  const plan =
    what.kind === 'software'
      ? await planSoftware(site.store, gateways, target)
      : await planNetwork(site, gateways, await findModel(site, what.name, what.version), options);
  return beginRollout({ ...options, kind: what.kind, target, author, undoes: null, plan, clock });
}

async function findTarget(
  site: Pick<Site, 'store'>,
  what: RolloutSubject,
  maxMessageBytes: number | undefined,
): Promise<Target> {
  if (what.kind === 'software') return { name: 'software', version: what.version };
  const model = await findModel(site, what.name, what.version);
  checkAnswerSize(model, maxMessageBytes);
  return { name: model.name, version: String(model.version) };
}

/**
 * Before anything begins: one gateway that cannot take it would end the rollout in the midst of it.
 *
 * @throws BlindsightError SOFTWARE_NOT_FOUND, GATEWAY_MACHINE.
 */
export async function checkMachines(store: Store, plan: readonly Planned[]): Promise<void> {
  const archives = await store.software.list();
  const running = new Map((await store.software.running()).map((one) => [one.gateway, one]));
  for (const { gateway, target } of plan)
    chooseArchive(archives, target.version, running.get(gateway.name) ?? null, gateway.name);
}

async function planSoftware(
  store: Store,
  gateways: readonly GatewayRecord[],
  target: Target,
): Promise<Planned[]> {
  const running = new Map((await store.software.running()).map((one) => [one.gateway, one.version]));
  const plan = gateways.map((gateway) => {
    const version = running.get(gateway.name) ?? null;
    const earlier = version === null ? null : { name: 'software', version };
    return { gateway, target, beside: false, earlier };
  });
  await checkMachines(store, plan);
  return plan;
}

/** What cannot be released to the last gateway is found out before the first. */
async function planNetwork(
  { store }: Pick<Site, 'store'>,
  gateways: readonly GatewayRecord[],
  model: ModelRecord,
  { keys, place }: RolloutPace,
): Promise<Planned[]> {
  const running = Map.groupBy(await store.deployments.running(), ({ gateway }) => gateway);
  const target = { name: model.name, version: String(model.version) };
  const plan: Planned[] = [];
  for (const gateway of gateways) {
    await chooseKeySet(store, model, gateway.name, keys);
    const beside = await isBeside(store, gateway.name, model.name, place);
    if (beside) await checkBeside(store, gateway, model.name);
    const ran = (running.get(gateway.name) ?? []).find((one) => isOf(one, { target, beside }));
    const earlier = ran === undefined ? null : { name: ran.model, version: String(ran.version) };
    plan.push({ gateway, target, beside, earlier });
  }
  return plan;
}

/** Whether a release is of the network that is released to. */
function isOf(
  release: Pick<DeploymentRecord, 'model' | 'beside'>,
  { target, beside }: Pick<Planned, 'target' | 'beside'>,
): boolean {
  return release.beside === beside && (!beside || release.model === target.name);
}

/** What one gateway gets. */
export type Planned = {
  readonly gateway: GatewayRecord;
  readonly target: Target;
  /** Whether as a network beside the default one. */
  readonly beside: boolean;
  readonly earlier: Target | null;
};

/** Stores a rollout whose gateways are known. @throws as {@link startRollout} */
export async function beginRollout(
  options: RolloutPace & {
    readonly site: Pick<Site, 'store'>;
    readonly kind: RolloutRecord['kind'];
    readonly target: Target | null;
    readonly author: string;
    readonly undoes: number | null;
    readonly plan: readonly Planned[];
    readonly clock: Clock;
  },
): Promise<RolloutRecord> {
  const { site, kind, target, undoes, plan, instead = false, maxFailures = 0, clock } = options;
  const able = plan.filter(({ gateway }) => gateway.quarantine === null);
  if (able.length === 0)
    throw new BlindsightError('ROLLOUT_TARGET', 'every gateway that is named is in quarantine');
  const sizes = sizeWaves(options.waves ?? DEFAULT_WAVES, able.length);
  const { limitMs, totalMs } = checkLimits(options, sizes.length);
  const author = options.author.trim().slice(0, MAX_AUTHOR);
  return site.store.transaction(async (store) => {
    const nowMs = clock.now();
    if (instead) await abortOthers(store, plan, nowMs);
    const headOf = await headsOf(store, kind);
    const rows = plan.map(({ gateway, ...rest }): NewRolloutGateway => {
      const place = able.findIndex((one) => one.gateway.name === gateway.name);
      const { quarantine } = gateway;
      return {
        ...rest,
        gateway: gateway.name,
        wave: place < 0 ? 1 : sizes.findIndex((size) => place < size) + 1,
        signingKey: gateway.signingKey,
        base: headOf({ gateway, ...rest }),
        error: quarantine === null ? null : { code: 'GATEWAY_QUARANTINED', message: quarantine.reason },
      };
    });
    const { keys = null } = options;
    const fresh = { kind, target, author, keys, undoes, limitMs, maxFailures };
    const { id, taken } = await store.rollouts.add(
      { ...fresh, waves: sizes.length, createdMs: nowMs, deadlineMs: nowMs + totalMs },
      rows,
    );
    if (taken.length > 0) throw await conflict(store, taken);
    const rollout = (await store.rollouts.get(id))!;
    await store.journal.add({
      timeMs: nowMs,
      level: 'info',
      code: 'ROLLOUT_STARTED',
      subject: `rollout ${id}`,
      message: `${author} started rollout ${id} of ${titleOf(rollout)} to ${able.length} gateway(s) in ${sizes.length} wave(s)`,
    });
    return rollout;
  });
}

function checkLimits({ limitMs = DEFAULT_LIMIT_MS, totalMs, maxFailures = 0 }: RolloutPace, waves: number) {
  const check = (what: string, ms: number, most: number) => {
    if (Number.isSafeInteger(ms) && ms >= 1000 && ms <= most) return ms;
    const days = Math.floor(most / 86_400_000);
    throw new BlindsightError('ROLLOUT_LIMIT', `${what} is from one second to ${days} days`);
  };
  if (!Number.isSafeInteger(maxFailures) || maxFailures < 0)
    throw new BlindsightError('ROLLOUT_LIMIT', 'the number of gateways that may fail is 0 or more');
  check('the time limit of a gateway', limitMs, MOST_LIMIT_MS);
  const total = totalMs ?? Math.min(MOST_TOTAL_MS, Math.max(DEFAULT_TOTAL_MS, 2 * waves * limitMs));
  return { limitMs, totalMs: check('the time of the whole rollout', total, MOST_TOTAL_MS) };
}

/** What was released last of what is planned. */
async function headsOf(
  store: Store,
  kind: RolloutRecord['kind'],
): Promise<(planned: Planned) => string | null> {
  if (kind === 'software') {
    const heads = new Map((await store.software.current()).map((one) => [one.gateway, one.digest]));
    return ({ gateway }) => heads.get(gateway.name) ?? null;
  }
  const heads = Map.groupBy(await store.deployments.current(), ({ gateway }) => gateway);
  return (planned) => heads.get(planned.gateway.name)?.find((one) => isOf(one, planned))?.digest ?? null;
}

async function abortOthers(store: Store, plan: readonly Planned[], nowMs: number): Promise<void> {
  const wanted = new Set(plan.map(({ gateway }) => gateway.name));
  const held = (await store.rollouts.held()).filter(({ gateway }) => wanted.has(gateway));
  for (const id of new Set(held.map(({ rollout }) => rollout))) {
    const other = await store.rollouts.get(id);
    if (other !== null) await endRollout(store, other, 'aborted', 'another rollout took its place', nowMs);
  }
}

async function conflict(store: Store, taken: readonly string[]): Promise<BlindsightError> {
  const held = (await store.rollouts.held()).filter(({ gateway }) => taken.includes(gateway));
  const others = [...new Set(held.map(({ rollout }) => rollout))];
  const names =
    taken.length > 5 ? `${taken.slice(0, 5).join(', ')} and ${taken.length - 5} more` : taken.join(', ');
  return new BlindsightError(
    'ROLLOUT_CONFLICT',
    `${names} ${taken.length === 1 ? 'is' : 'are'} in rollout ${others.join(', ')}, which has not ended`,
  );
}
