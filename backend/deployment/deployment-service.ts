import type { Reported } from '#protocol/messages.ts';
import { gatewayTopics } from '#protocol/topics.ts';
import type { Clock } from '#runtime/clock.ts';
import type { Link } from '#runtime/link.ts';
import type { Logger } from '#runtime/log.ts';
import { MinuteBudget } from '#runtime/minute-budget.ts';
import type { DeploymentRecord, DeploymentStatus } from '../store/deployments.ts';
import type { Store } from '../store/store.ts';

export type DeploymentServiceOptions = {
  readonly store: Store;
  readonly site: string;
  readonly link: Pick<Link, 'publish' | 'connected'>;
  readonly clock: Clock;
  readonly log: Logger;
  /** Called after a release was published or its state changed. */
  readonly onChange: () => void;
  /** Called when the newest release of a gateway is about to be published: answers under it will come. */
  readonly onRelease?: (release: DeploymentRecord) => void;
};

/** How soon a release by the command line is noticed. */
const POLL_MS = 1000;

const JOURNAL_CODES = {
  active: 'RELEASE_ACTIVE',
  refused: 'RELEASE_REFUSED',
  'rolled-back': 'RELEASE_ROLLED_BACK',
} as const;

/**
 * Keeps the retained manifest of every gateway at its newest release, and the store up to date with what gateways report. Stateless across
 * restarts: what to publish follows from the store alone.
 */
export class DeploymentService {
  readonly #options: DeploymentServiceOptions;
  /** Digest that this connection has published, by gateway. */
  readonly #published = new Map<string, string>();
  /** Removed gateways whose manifest this connection has cleared. */
  readonly #cleared = new Set<string>();

  readonly #budget: MinuteBudget;

  constructor(options: DeploymentServiceOptions) {
    this.#options = options;
    this.#budget = new MinuteBudget(options.clock);
  }

  /** A new connection: the broker may be another one, so everything is published again. */
  async linkUp(): Promise<void> {
    this.#published.clear();
    this.#cleared.clear();
    await this.publishReleases();
  }

  /** Looks for new releases each second until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#options;
    while (!signal.aborted) {
      try {
        await this.publishReleases();
      } catch (error) {
        log.warn({ err: error }, 'a release could not be published; trying again');
      }
      await clock.sleep(POLL_MS, signal).catch(() => {});
    }
  }

  /** Publishes the newest release of each gateway where this connection has not yet, and clears those of gateways that were removed. */
  async publishReleases(): Promise<void> {
    const { store, site, link, log, onChange } = this.#options;
    if (!link.connected) return;
    for (const deployment of await store.deployments.current()) {
      const { gateway, digest, counter } = deployment;
      if (this.#published.get(gateway) === digest) continue;
      this.#published.set(gateway, digest);
      this.#options.onRelease?.(deployment);
      try {
        await link.publish(gatewayTopics(site, gateway).bundleManifest, deployment.manifest, {
          retain: true,
        });
      } catch (error) {
        this.#published.delete(gateway);
        throw error;
      }
      if (deployment.status === 'waiting') {
        log.info(
          { gateway, model: deployment.model, version: deployment.version, counter },
          'release published',
        );
      }
      onChange();
    }
    for (const { name } of await store.gateways.removed()) {
      if (this.#cleared.has(name)) continue;
      await link.publish(gatewayTopics(site, name).bundleManifest, '', { retain: true });
      this.#cleared.add(name);
    }
  }

  /** Records what a gateway reports about one of its releases. */
  async reported(gateway: string, report: Reported): Promise<void> {
    const { store, clock, log, onChange } = this.#options;
    const { subject, status, error } = report.bundle;
    if (subject === null || status === 'none') return;
    const deployment = await store.deployments.get(subject);
    if (deployment === null || deployment.gateway !== gateway) return;
    const next: DeploymentStatus = status;
    const detail = error === null ? null : `${error.code}: ${error.message}`;
    const nowMs = clock.now();
    if (!(await store.deployments.setStatus(subject, next, detail, nowMs))) return;
    onChange();
    if (next !== 'active' && next !== 'refused' && next !== 'rolled-back') return;
    if (!this.#budget.take(gateway)) return;
    const what = `${deployment.model} version ${deployment.version}`;
    const failed = next !== 'active';
    log[failed ? 'error' : 'info']({ gateway, status: next, detail }, `${what} on ${gateway}: ${next}`);
    await store.journal.add({
      timeMs: nowMs,
      level: failed ? 'error' : 'info',
      code: JOURNAL_CODES[next],
      subject: gateway,
      message:
        detail === null ? `${what} is ${next} on ${gateway}` : `${what} on ${gateway}: ${next}: ${detail}`,
    });
  }
}
