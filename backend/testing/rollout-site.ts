import { createLogger } from '#runtime/log.ts';
import { SimulatedClock } from '#runtime/simulated-clock.ts';
import { RolloutService } from '../rollout/rollout-service.ts';
import { type StartRolloutOptions, startRollout } from '../rollout/start-rollout.ts';
import type { DeploymentStatus } from '../store/deployments.ts';
import { enrolTestGateway, keepTestModel, makeTestSite, type TestSite } from './test-site.ts';

const log = createLogger({
  name: 'test',
  level: 'error',
  format: 'json',
  destination: { write: (line) => process.stderr.write(line) },
});

/** A site with gateways `g1`, `g2` …, two versions of a network `net`, and a clock that stands still. */
export class RolloutSite {
  readonly site: TestSite;
  readonly clock = new SimulatedClock();
  service: RolloutService;
  /** What gateways last said which networks their cameras name. */
  readonly reported = new Map<string, { readonly networks: readonly { readonly network: string }[] }>();

  private constructor(site: TestSite) {
    this.site = site;
    this.service = this.#start();
  }

  static async make(gateways: number): Promise<RolloutSite> {
    const site = await makeTestSite();
    for (let i = 1; i <= gateways; i++) await enrolTestGateway(site, `g${i}`);
    await keepTestModel(site, 'net');
    await keepTestModel(site, 'net');
    return new RolloutSite(site);
  }

  #start(): RolloutService {
    const reportedOf = (gateway: string) => this.reported.get(gateway) ?? null;
    return new RolloutService({ site: this.site, clock: this.clock, log, reportedOf, onChange: () => {} });
  }

  /** As if the backend had been started anew. */
  restart(): void {
    this.service = this.#start();
  }

  async begin(options: Partial<StartRolloutOptions> = {}): Promise<number> {
    const { id } = await startRollout({
      ...{
        site: this.site,
        clock: this.clock,
        what: { kind: 'model', name: 'net' },
        to: ['all'],
        author: 'ann',
        // The keys of its networks are no keys: there can be no others.
        keys: 'common',
      },
      ...options,
    });
    return id;
  }

  /** Lets a second pass, and the service look. */
  async step(seconds = 1): Promise<void> {
    await this.clock.advance(seconds * 1000);
    await this.service.step();
  }

  /** As if a gateway had reported about its newest release. */
  async report(gateway: string, status: DeploymentStatus, detail: string | null = null): Promise<void> {
    const { deployments } = this.site.store;
    const newest = (await deployments.current()).find((one) => one.gateway === gateway);
    if (newest !== undefined) await deployments.setStatus(newest.digest, status, detail, this.clock.now());
  }

  /** State of the rollout, then that of each gateway: `running g1=done g2=waiting`. */
  async look(id: number): Promise<string> {
    const { rollouts } = this.site.store;
    const rows = await rollouts.gateways(id);
    const { state } = (await rollouts.get(id))!;
    return [state, ...rows.map((row) => `${row.gateway}=${row.state}`)].join(' ');
  }

  /** Why a gateway ended as it did. */
  async why(id: number, gateway: string): Promise<string | undefined> {
    const rows = await this.site.store.rollouts.gateways(id);
    return rows.find((row) => row.gateway === gateway)?.error?.code;
  }

  /** Releases that each gateway ever got. */
  async releases(): Promise<Record<string, number>> {
    const counts: Record<string, number> = {};
    for (const { gateway } of await this.site.store.deployments.list())
      counts[gateway] = (counts[gateway] ?? 0) + 1;
    return counts;
  }

  close(): Promise<void> {
    return this.site.close();
  }
}
