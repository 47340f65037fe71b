import { BlindsightError } from '#protocol/errors.ts';
import type { Clock } from '#runtime/clock.ts';
import type { Logger } from '#runtime/log.ts';
import type { Site } from '../site.ts';
import type { Reason, RolloutGatewayRecord, RolloutRecord } from '../store/rollouts.ts';
import { isStoreTrouble } from '../store/store-trouble.ts';
import { endRollout } from './end-rollout.ts';
import { judgeGateway } from './judge.ts';
import { KeysAhead } from './keys-ahead.ts';
import { prepareRelease } from './prepare-release.ts';
import { TimeLimits } from './time-limits.ts';

export type RolloutServiceOptions = {
  readonly site: Pick<Site, 'name' | 'store' | 'vault' | 'blobs'>;
  /** Largest message that the broker takes. */
  readonly maxMessageBytes?: number;
  readonly clock: Clock;
  readonly log: Logger;
  /** Which networks the cameras of a gateway name beside its default one, as it last said; null before it said anything. */
  readonly reportedOf: (
    gateway: string,
  ) => { readonly networks?: readonly { readonly network: string }[] } | null;
  /** Called after a rollout changed. */
  readonly onChange: () => void;
};

const PACE_MS = 1000;

/** After a start, what gateways have reported meanwhile comes within this time; only then are they judged to be late. */
const GRACE_MS = 15_000;

/** A camera that is to name the network may be set to it at the same time as it is released. */
const NAMED_MS = 60_000;

/** A rollout, or the gateway, has moved on meanwhile: undoes the transaction of a release. */
class Overtaken extends Error {}

/**
 * Moves rollouts on: releases to the gateways of a wave, sees what becomes of them, goes on to the next wave or ends. Stateless over restarts:
 * what to do follows from the store alone, and each step is one transaction that names the state it starts from.
 */
export class RolloutService {
  readonly #options: RolloutServiceOptions;
  readonly #limits: TimeLimits;
  readonly #graceEndMs: number;
  readonly #keys: KeysAhead;

  constructor(options: RolloutServiceOptions) {
    this.#options = options;
    this.#limits = new TimeLimits(options.clock);
    this.#keys = new KeysAhead(options);
    this.#graceEndMs = options.clock.monotonic() + GRACE_MS;
  }

  /** Looks at every open rollout each second until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#options;
    while (!signal.aborted) {
      try {
        await this.step(signal);
      } catch (error) {
        log.warn({ err: error }, 'rollouts could not be moved on; trying again');
      }
      await clock.sleep(PACE_MS, signal).catch(() => {});
    }
    await this.#keys.settled();
  }

  /** Moves each open rollout on as far as it goes now. */
  async step(signal?: AbortSignal): Promise<void> {
    const open = await this.#options.site.store.rollouts.open();
    this.#limits.keep(open.map(({ id }) => `${id} `));
    for (const rollout of open) {
      if (signal?.aborted) return;
      await this.#move(rollout, signal);
    }
  }

  async #move(rollout: RolloutRecord, signal: AbortSignal | undefined): Promise<void> {
    const { store } = this.#options.site;
    const facts = new Map((await store.rollouts.facts(rollout)).map((one) => [one.gateway, one]));
    const gateways = new Map((await store.gateways.list()).map((one) => [one.name, one]));
    const running = rollout.kind === 'software' ? await store.software.running() : [];
    const runs = new Map(running.map(({ gateway, version }) => [gateway, version]));
    for (const row of await store.rollouts.gateways(rollout.id)) {
      if (signal?.aborted) return;
      const verdict = judgeGateway({
        ...{ rollout, row },
        gateway: gateways.get(row.gateway) ?? null,
        facts: facts.get(row.gateway),
        runs: runs.get(row.gateway) ?? null,
        isUnnamed: this.#isUnnamed(rollout, row),
        isOver: this.#isOver(`${rollout.id} ${row.gateway}`, row.deadlineMs, rollout.limitMs),
      });
      if (verdict?.act === 'release') {
        if (await this.#hasKeys(rollout, row, signal)) await this.#release(rollout, row);
      } else if (verdict !== null) await this.#end(rollout, row, verdict);
    }
    await this.#goOn(rollout);
    await this.#prepareNextWave(rollout, signal);
  }

  /** Nothing is released before all of it is made; a gateway whose keys cannot be made has failed. */
  async #hasKeys(
    rollout: RolloutRecord,
    row: RolloutGatewayRecord,
    signal: AbortSignal | undefined,
  ): Promise<boolean> {
    const state = await this.#keys.want(rollout, row, signal).catch(asReason);
    if (state === 'ready') return true;
    if (state !== 'making')
      await this.#end(rollout, { ...row, state: 'waiting' }, { state: 'failed', error: state });
    return false;
  }

  /** While a wave is under way, the keys of the next one are made; what fails is told when that one comes. */
  async #prepareNextWave(rollout: RolloutRecord, signal: AbortSignal | undefined): Promise<void> {
    if (rollout.state !== 'running' || rollout.kind !== 'model') return;
    for (const row of await this.#options.site.store.rollouts.gateways(rollout.id))
      if (row.wave === rollout.wave + 1 && row.state === 'waiting')
        await this.#keys.want(rollout, row, signal).catch(asReason);
  }

  /** Resolves when no keys are being made. */
  keysMade(): Promise<void> {
    return this.#keys.settled();
  }

  /** Whether, a while after its release beside the default network, no camera names it: then the gateway does not listen for it. */
  #isUnnamed(
    { id, limitMs }: RolloutRecord,
    { gateway, beside, target, deadlineMs }: RolloutGatewayRecord,
  ): boolean {
    const networks = this.#options.reportedOf(gateway)?.networks;
    if (!beside || deadlineMs === null || networks === undefined) return false;
    if (networks.some(({ network }) => network === target.name)) return false;
    const waitMs = Math.min(NAMED_MS, limitMs);
    return this.#isOver(`${id} ${gateway} named`, deadlineMs - limitMs + waitMs, waitMs);
  }

  #isOver(key: string, endMs: number | null, limitMs: number): boolean {
    if (endMs === null) return false;
    // Asked first, so that the time since this process saw it first counts from now on.
    return this.#limits.isOver(key, endMs, limitMs) && this.#options.clock.monotonic() >= this.#graceEndMs;
  }

  /** Release and note of it are durable together: after a crash at any instant there are both or none. */
  async #release(rollout: RolloutRecord, { gateway, target, beside }: RolloutGatewayRecord): Promise<void> {
    const { site, maxMessageBytes, clock, log, onChange } = this.#options;
    const { id, kind, limitMs } = rollout;
    try {
      const release = await prepareRelease({
        ...{ site, kind, gateway, target, beside, keys: rollout.keys, clock },
        ...(maxMessageBytes !== undefined && { maxMessageBytes }),
      });
      await site.store.transaction(async (store) => {
        if (!(await store.rollouts.holdRunning(id))) throw new Overtaken();
        const digest = await release(store);
        const releasedMs = clock.now();
        const deadlineMs = releasedMs + limitMs;
        if (!(await store.rollouts.released(id, gateway, { digest, releasedMs, deadlineMs })))
          throw new Overtaken();
      });
      onChange();
    } catch (error) {
      if (error instanceof Overtaken) return;
      if (!(error instanceof BlindsightError) || isStoreTrouble(error)) throw error;
      log.warn(
        { gateway, code: error.code, rollout: id },
        `a gateway of a rollout cannot be released to: ${error.message}`,
      );
      const { code, message } = error;
      await this.#end(rollout, { gateway, state: 'waiting' }, { state: 'failed', error: { code, message } });
    }
  }

  async #end(
    { id }: RolloutRecord,
    { gateway, state: from }: Pick<RolloutGatewayRecord, 'gateway' | 'state'>,
    verdict: Pick<RolloutGatewayRecord, 'state' | 'error'>,
  ): Promise<void> {
    const { site, clock, log, onChange } = this.#options;
    if (!(await site.store.rollouts.endGateway(id, gateway, from, verdict, clock.now()))) return;
    const { state, error } = verdict;
    log[state === 'done' ? 'info' : 'warn'](
      { rollout: id, gateway, state, code: error?.code },
      `rollout ${id}, ${gateway}: ${state}`,
    );
    onChange();
  }

  /** The next wave, or the end. */
  async #goOn(rollout: RolloutRecord): Promise<void> {
    const { site, onChange, clock } = this.#options;
    const { id, wave, waves, maxFailures, deadlineMs, createdMs } = rollout;
    const rows = await site.store.rollouts.gateways(id);
    const failed = rows.filter(({ state }) => state === 'failed' || state === 'timed-out');
    const isOpen = (row: RolloutGatewayRecord) => row.state === 'released' || row.state === 'waiting';
    let ending: { readonly state: 'done' | 'failed' | 'timed-out'; readonly why: string | null } | null =
      null;
    if (!rows.some((row) => row.wave <= wave && isOpen(row))) {
      if (failed.length > maxFailures) {
        const names = failed.map(({ gateway }) => gateway);
        ending = {
          state: 'failed',
          why: `${count(failed.length)} did not run it (${few(names)}); at most ${maxFailures} may`,
        };
      } else if (!rows.some(isOpen)) ending = { state: 'done', why: null };
      else if (await site.store.rollouts.nextWave(id, wave)) return onChange();
    }
    if (ending === null && this.#isOver(`${id} `, deadlineMs, deadlineMs - createdMs))
      ending = {
        state: 'timed-out',
        why: `the time for the whole rollout is over, in wave ${wave} of ${waves}`,
      };
    if (ending === null) return;
    const { state, why } = ending;
    await site.store.transaction((store) => endRollout(store, rollout, state, why, clock.now()));
    onChange();
  }
}

/** What of a release is refused. @throws anything else: it is tried again */
function asReason(error: unknown): Reason {
  if (!(error instanceof BlindsightError) || isStoreTrouble(error)) throw error;
  return { code: error.code, message: error.message };
}

const count = (gateways: number): string => (gateways === 1 ? '1 gateway' : `${gateways} gateways`);

/** The first of many names. */
function few(names: readonly string[]): string {
  const most = 5;
  return names.length <= most ? names.join(', ') : `${names.slice(0, most).join(', ')} …`;
}
