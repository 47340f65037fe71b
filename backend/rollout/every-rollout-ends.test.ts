import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BlindsightError } from '#protocol/errors.ts';
import { createLogger } from '#runtime/log.ts';
import { deployModel } from '../operations/deploy-model.ts';
import { quarantineGateway, releaseGateway } from '../operations/gateways.ts';
import { removeGateway } from '../operations/remove-gateway.ts';
import type { DeploymentStatus } from '../store/deployments.ts';
import type { RolloutGatewayRecord } from '../store/rollouts.ts';
import { openSqlite } from '../store/sqlite.ts';
import { Store } from '../store/store.ts';
import { Crash, CrashingDatabase } from '../testing/crashing-database.ts';
import { RolloutSite } from '../testing/rollout-site.ts';
import { abortRollout, pauseRollout, resumeRollout } from './control-rollout.ts';
import { RolloutService } from './rollout-service.ts';

const GATEWAYS = 4;
const LIMIT_MS = 60_000;
const TOTAL_MS = 600_000;
const log = createLogger({ name: 'test', level: 'error', format: 'json', destination: { write: () => {} } });

type Act =
  | { readonly act: 'step'; readonly seconds: number }
  | {
      readonly act: 'report';
      readonly gateway: number;
      readonly status: DeploymentStatus;
      readonly code: string;
    }
  | { readonly act: 'crash'; readonly instants: number }
  | { readonly act: 'jump'; readonly seconds: number }
  | { readonly act: 'deploy' | 'remove' | 'quarantine' | 'release'; readonly gateway: number }
  | { readonly act: 'restart' | 'pause' | 'resume' | 'abort' };

const gateway = fc.integer({ min: 1, max: GATEWAYS });
const acts = fc.array(
  fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({ act: fc.constant('step' as const), seconds: fc.integer({ min: 0, max: 40 }) }),
    },
    {
      weight: 8,
      arbitrary: fc.record({
        act: fc.constant('report' as const),
        gateway,
        status: fc.constantFrom<DeploymentStatus>(
          'fetching',
          'testing',
          'active',
          'active',
          'active',
          'refused',
          'rolled-back',
        ),
        code: fc.constantFrom('BUNDLE_DIGEST', 'BUNDLE_CRASHED'),
      }),
    },
    {
      weight: 5,
      arbitrary: fc.record({ act: fc.constant('crash' as const), instants: fc.integer({ min: 0, max: 60 }) }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        act: fc.constant('jump' as const),
        seconds: fc.integer({ min: -9999, max: 50 }),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ act: fc.constantFrom('deploy', 'remove', 'quarantine', 'release'), gateway }),
    },
    { weight: 2, arbitrary: fc.record({ act: fc.constantFrom('restart', 'pause', 'resume', 'abort') }) },
  ) as fc.Arbitrary<Act>,
  { minLength: 5, maxLength: 40 },
);

/** A rollout under everything that can happen to it, checked after each act. */
class Trial {
  readonly #yard: RolloutSite;
  readonly #database: CrashingDatabase;
  readonly #id: number;
  /** Releases that somebody made besides the rollout. */
  readonly #others = new Map<string, number>();
  #service: RolloutService;
  #endedWith: string | null = null;

  private constructor(yard: RolloutSite, id: number) {
    this.#yard = yard;
    this.#id = id;
    this.#database = new CrashingDatabase(openSqlite(join(yard.site.dataDirectory, 'blindsight.db')));
    this.#service = this.#start();
  }

  static async begin(waves: readonly string[], maxFailures: number): Promise<Trial> {
    const yard = await RolloutSite.make(GATEWAYS);
    return new Trial(yard, await yard.begin({ waves, maxFailures, limitMs: LIMIT_MS, totalMs: TOTAL_MS }));
  }

  #start(): RolloutService {
    const site = { ...this.#yard.site, store: new Store(this.#database) };
    return new RolloutService({
      site,
      clock: this.#yard.clock,
      log,
      reportedOf: () => null,
      onChange: () => {},
    });
  }

  async run(act: Act): Promise<void> {
    await this.#run(act).catch((error: unknown) => {
      if (!(error instanceof BlindsightError)) throw error;
    });
    await this.#check();
  }

  async #run(act: Act): Promise<void> {
    const { site, clock } = this.#yard;
    const control = { site, id: this.#id, author: 'ann', clock };
    switch (act.act) {
      case 'step':
        await clock.advance(act.seconds * 1000);
        return this.#service.step();
      case 'report':
        return this.#yard.report(
          `g${act.gateway}`,
          act.status,
          act.status === 'active' ? null : `${act.code}: why`,
        );
      case 'crash':
        this.#database.crashAfter(act.instants);
        await this.#service.step().catch((error: unknown) => {
          if (!(error instanceof Crash)) throw error;
        });
        this.#database.crashAfter(Number.POSITIVE_INFINITY);
        this.#service = this.#start();
        return;
      case 'jump':
        return clock.jump(clock.now() + act.seconds * 1000);
      case 'deploy':
        await deployModel({
          keys: 'common',
          site,
          gateway: `g${act.gateway}`,
          model: 'net',
          version: 1,
          clock,
        });
        this.#others.set(`g${act.gateway}`, (this.#others.get(`g${act.gateway}`) ?? 0) + 1);
        return;
      case 'remove':
        return removeGateway(site, `g${act.gateway}`, clock);
      case 'quarantine':
        await quarantineGateway(site, `g${act.gateway}`, 'nonsense', clock);
        return;
      case 'release':
        await releaseGateway(site, `g${act.gateway}`, { clock });
        return;
      case 'restart':
        this.#service = this.#start();
        return;
      case 'pause':
        await pauseRollout(control);
        return;
      case 'resume':
        await resumeRollout(control);
        return;
      case 'abort':
        await abortRollout(control);
    }
  }

  async #check(): Promise<void> {
    const { store } = this.#yard.site;
    const rollout = (await store.rollouts.get(this.#id))!;
    const rows = await store.rollouts.gateways(this.#id);
    const releases = await this.#yard.releases();
    for (const row of rows) {
      const own = (releases[row.gateway] ?? 0) - (this.#others.get(row.gateway) ?? 0);
      expect(own, `releases to ${row.gateway}`).toBe(row.digest === null ? 0 : 1);
      if (row.digest !== null) expect(row.wave).toBeLessThanOrEqual(rollout.wave);
      // A wave began only after everybody in those before it had ended.
      if (row.wave < rollout.wave) expect(isEnded(row), `${row.gateway} is ${row.state}`).toBe(true);
    }
    if (rollout.endedMs === null) return;
    expect(rows.filter((row) => !isEnded(row))).toEqual([]);
    expect(await store.rollouts.held()).toEqual([]);
    const outcome = JSON.stringify([rollout, rows]);
    expect(outcome).toBe(this.#endedWith ?? outcome);
    this.#endedWith = outcome;
  }

  /** Only time passes, and the backend runs: less than its time later the rollout has ended. */
  async end(): Promise<string> {
    for (let passedMs = 0; passedMs <= TOTAL_MS + 30_000; passedMs += 15_000) {
      await this.run({ act: 'step', seconds: 15 });
      if (this.#endedWith !== null) break;
    }
    expect(this.#endedWith).not.toBeNull();
    await this.#database.close();
    await this.#yard.close();
    return (JSON.parse(this.#endedWith!) as [{ state: string }])[0].state;
  }
}

const isEnded = ({ state }: RolloutGatewayRecord): boolean => state !== 'waiting' && state !== 'released';

describe('a rollout, whatever happens', () => {
  it('ends within its time, releases to nobody twice or after its end, and to no wave before the one before it ended', async () => {
    const ends = new Set<string>();
    await fc.assert(
      fc.asyncProperty(
        acts,
        fc.constantFrom<readonly string[]>(['1', '2', '100%'], ['100%'], ['50%', '100%']),
        fc.integer({ min: 0, max: GATEWAYS }),
        async (list, waves, maxFailures) => {
          const trial = await Trial.begin(waves, maxFailures);
          for (const act of list) await trial.run(act);
          ends.add(await trial.end());
        },
      ),
      { numRuns: 25, interruptAfterTimeLimit: 40_000 },
    );
    // It was no test if all ended alike.
    expect(ends.size).toBeGreaterThan(1);
  });

  it('of 200 gateways releases a wave in one step, each gateway once, and ends in the next', async () => {
    const yard = await RolloutSite.make(200);
    const id = await yard.begin({ waves: ['100%'] });
    await yard.step();
    await yard.step();
    expect(Object.values(await yard.releases())).toEqual(Array.from({ length: 200 }, () => 1));
    for (const { digest } of await yard.site.store.deployments.current())
      await yard.site.store.deployments.setStatus(digest, 'active', null, 1);
    await yard.step();
    expect(await yard.look(id)).toMatch(/^done( g\d+=done){200}$/);
    await yard.close();
  });
});
