import type { Reported, ReportedConfiguration } from '#protocol/messages.ts';
import { gatewayTopics } from '#protocol/topics.ts';
import type { Clock } from '#runtime/clock.ts';
import type { Link } from '#runtime/link.ts';
import type { Logger } from '#runtime/log.ts';
import { MinuteBudget } from '#runtime/minute-budget.ts';
import { NewestPublisher } from '../newest-publisher.ts';
import type { ConfigurationRecord } from '../store/configurations.ts';
import type { Store } from '../store/store.ts';

export type ConfigurationServiceOptions = {
  readonly store: Store;
  readonly site: string;
  readonly link: Pick<Link, 'publish' | 'connected'>;
  readonly clock: Clock;
  readonly log: Logger;
  /** Called after a version was published or its state changed. */
  readonly onChange: () => void;
};

const JOURNAL_CODES = {
  applied: 'CONFIGURATION_APPLIED',
  rejected: 'CONFIGURATION_REJECTED',
  reverted: 'CONFIGURATION_REVERTED',
} as const;

/** What the journal tells from the report, which is retained and so never lost, and not from what the gateway says besides. */
export const REPORTED_EVENTS: readonly string[] = Object.values(JOURNAL_CODES);

/**
 * Keeps the retained configuration of every gateway at its newest version, and the store at what gateways report. Stateless over restarts: what
 * to publish follows from the store alone.
 */
export class ConfigurationService {
  readonly #options: ConfigurationServiceOptions;
  readonly #publisher: NewestPublisher<ConfigurationRecord>;
  readonly #budget: MinuteBudget;

  constructor(options: ConfigurationServiceOptions) {
    const { store, site, log, onChange } = options;
    this.#options = options;
    this.#budget = new MinuteBudget(options.clock);
    this.#publisher = new NewestPublisher({
      ...options,
      noun: 'a configuration',
      topicOf: (gateway) => gatewayTopics(site, gateway).desired,
      current: () => store.configurations.current(),
      idOf: ({ version }) => version,
      wireOf: ({ wire }) => wire,
      onPublished: ({ status, gateway, version }) => {
        if (status === 'pending') log.info({ gateway, version }, 'configuration published');
        onChange();
      },
    });
  }

  /** A new connection: every configuration is published again. */
  linkUp(): Promise<void> {
    return this.#publisher.linkUp();
  }

  /** Looks for new versions until the signal aborts. */
  run(signal: AbortSignal): Promise<void> {
    return this.#publisher.run(signal);
  }

  /** Publishes the newest versions now. */
  publishConfigurations(): Promise<void> {
    return this.#publisher.publish();
  }

  /** Takes what a gateway reports about its settings. */
  async reported(gateway: string, { configuration }: Reported): Promise<void> {
    if (configuration === undefined) return;
    const { store, onChange } = this.#options;
    const { running, drift } = configuration;
    const wasDrifting = (await store.configurations.running(gateway)).drift;
    if (await store.configurations.setRunning(gateway, { running, drift })) onChange();
    if (drift && !wasDrifting) await this.#tellDrift(gateway, running);
    await this.#tellStatus(gateway, configuration);
    for (const earlier of configuration.revertedSince ?? [])
      await this.#tellStatus(gateway, { ...earlier, status: 'reverted' });
  }

  async #tellStatus(
    gateway: string,
    { status, version, error }: Pick<ReportedConfiguration, 'status' | 'version' | 'error'>,
  ): Promise<void> {
    const { store, clock, log, onChange } = this.#options;
    if (status === 'none') return;
    const nowMs = clock.now();
    if (!(await store.configurations.setStatus(gateway, version, status, error, nowMs))) return;
    onChange();
    if (status === 'received' || !this.#budget.take(gateway)) return;
    const detail = error === null ? '' : `: ${error.message} (${error.code})`;
    const message = `version ${version} of the settings of ${gateway} was ${status}${detail}`;
    const level = status === 'applied' ? 'info' : 'error';
    log[level]({ gateway, version, status, code: error?.code }, message);
    await store.journal.add({
      timeMs: nowMs,
      level,
      code: JOURNAL_CODES[status],
      subject: gateway,
      message,
      because: gateway,
    });
  }

  async #tellDrift(gateway: string, running: number): Promise<void> {
    const { store, clock, log } = this.#options;
    if (!this.#budget.take(gateway)) return;
    const code = 'CONFIGURATION_DRIFT';
    const message = `agent.yaml was edited on ${gateway} after version ${running} of its settings was applied`;
    log.warn({ gateway, code }, message);
    await store.journal.add({
      timeMs: clock.now(),
      level: 'warn',
      code,
      subject: gateway,
      message,
      because: gateway,
    });
  }
}
