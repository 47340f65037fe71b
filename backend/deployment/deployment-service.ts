import type { Reported, ReportedBundle } from '#protocol/messages.ts';
import { gatewayTopics } from '#protocol/topics.ts';
import type { Clock } from '#runtime/clock.ts';
import type { Link } from '#runtime/link.ts';
import type { Logger } from '#runtime/log.ts';
import { MinuteBudget } from '#runtime/minute-budget.ts';
import { NewestPublisher } from '../newest-publisher.ts';
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

type Wanted = DeploymentRecord & { readonly isRetired: boolean };

const JOURNAL_CODES = {
  active: 'RELEASE_ACTIVE',
  refused: 'RELEASE_REFUSED',
  'rolled-back': 'RELEASE_ROLLED_BACK',
} as const;

/**
 * Keeps the retained manifest of every network of every gateway at its newest release, and the store up to date with what gateways report. Stateless across
 * restarts: what to publish follows from the store alone.
 */
export class DeploymentService {
  readonly #options: DeploymentServiceOptions;
  readonly #publisher: NewestPublisher<Wanted>;
  readonly #budget: MinuteBudget;

  constructor(options: DeploymentServiceOptions) {
    const { site, log, onChange, onRelease } = options;
    this.#options = options;
    this.#budget = new MinuteBudget(options.clock);
    this.#publisher = new NewestPublisher({
      ...options,
      noun: 'a release',
      topicOf: (gateway, release) => topicOf(site, gateway, release),
      topicsOf: async (gateway) => {
        const releases = (await options.store.deployments.list()).filter((one) => one.gateway === gateway);
        return [
          ...new Set([topicOf(site, gateway, null), ...releases.map((one) => topicOf(site, gateway, one))]),
        ];
      },
      current: () => this.#current(),
      markOf: async () => [await options.store.deployments.newest(), ...(await this.#retired())].join(' '),
      idOf: ({ digest, isRetired }) => (isRetired ? `${digest} retired` : digest),
      // Nothing clears what is retained; whoever runs it runs on.
      wireOf: ({ manifest, isRetired }) => (isRetired ? new Uint8Array() : manifest),
      ...(onRelease && { onPublish: onRelease }),
      onPublished: ({ status, gateway, model, version, counter, isRetired }) => {
        if (status === 'waiting' && !isRetired)
          log.info({ gateway, model, version, counter }, 'release published');
        onChange();
      },
    });
  }

  /** A new connection: every release is published again. */
  linkUp(): Promise<void> {
    return this.#publisher.linkUp();
  }

  /** Looks for new releases until the signal aborts. */
  run(signal: AbortSignal): Promise<void> {
    return this.#publisher.run(signal);
  }

  /** Publishes the newest releases now. */
  publishReleases(): Promise<void> {
    return this.#publisher.publish();
  }

  /** What each network of a gateway should be; nothing new of a network that is retired. */
  async #current(): Promise<Wanted[]> {
    const retired = await this.#retired();
    return (await this.#options.store.deployments.current()).map((release) => ({
      ...release,
      isRetired: retired.has(`${release.model}/${release.version}`),
    }));
  }

  /** Versions of networks, `name/version` each. */
  async #retired(): Promise<ReadonlySet<string>> {
    const retired = (await this.#options.store.models.list()).filter(({ retirement }) => retirement !== null);
    return new Set(retired.map(({ name, version }) => `${name}/${version}`));
  }

  /** Records what a gateway reports about its releases. */
  async reported(gateway: string, { bundle, networks }: Reported): Promise<void> {
    for (const one of [bundle, ...(networks ?? [])]) await this.#reportedOne(gateway, one);
    await this.#options.store.gateways.setSeveral(gateway, networks !== undefined);
  }

  async #reportedOne(gateway: string, { subject, status, error }: ReportedBundle): Promise<void> {
    const { store, clock, log, onChange } = this.#options;
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
      because: gateway,
      message:
        detail === null ? `${what} is ${next} on ${gateway}` : `${what} on ${gateway}: ${next}: ${detail}`,
    });
  }
}

function topicOf(
  site: string,
  gateway: string,
  release: Pick<DeploymentRecord, 'model' | 'beside'> | null,
): string {
  const { bundleManifest, networkManifest } = gatewayTopics(site, gateway);
  return release?.beside ? networkManifest(release.model) : bundleManifest;
}
