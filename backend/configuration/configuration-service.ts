import type { Reported, ReportedConfiguration } from '#protocol/messages.ts';
import { gatewayTopics } from '#protocol/topics.ts';
import type { Clock } from '#runtime/clock.ts';
import type { Link } from '#runtime/link.ts';
import type { Logger } from '#runtime/log.ts';
import { MinuteBudget } from '#runtime/minute-budget.ts';
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

/** How soon a push by the command line is noticed. */
const POLL_MS = 1000;

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
  /** Version that this connection has published, by gateway. */
  readonly #published = new Map<string, number>();
  /** Removed gateways whose configuration this connection has cleared. */
  readonly #cleared = new Set<string>();
  readonly #budget: MinuteBudget;

  constructor(options: ConfigurationServiceOptions) {
    this.#options = options;
    this.#budget = new MinuteBudget(options.clock);
  }

  /** A new connection: the broker may be another one, so everything is published again. */
  async linkUp(): Promise<void> {
    this.#published.clear();
    this.#cleared.clear();
    await this.publishConfigurations();
  }

  /** Looks for new versions each second until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#options;
    while (!signal.aborted) {
      try {
        await this.publishConfigurations();
      } catch (error) {
        log.warn({ err: error }, 'a configuration could not be published; it is tried again');
      }
      await clock.sleep(POLL_MS, signal).catch(() => {});
    }
  }

  /** Publishes the newest version for each gateway where this connection has not yet, and clears those of gateways that were removed. */
  async publishConfigurations(): Promise<void> {
    const { store, site, link, log, onChange } = this.#options;
    if (!link.connected) return;
    for (const { gateway, version, wire, status } of await store.configurations.current()) {
      if (this.#published.get(gateway) === version) continue;
      this.#published.set(gateway, version);
      try {
        await link.publish(gatewayTopics(site, gateway).desired, wire, { retain: true });
      } catch (error) {
        this.#published.delete(gateway);
        throw error;
      }
      if (status === 'pending') log.info({ gateway, version }, 'configuration published');
      onChange();
    }
    for (const { name } of await store.gateways.removed()) {
      if (this.#cleared.has(name)) continue;
      await link.publish(gatewayTopics(site, name).desired, '', { retain: true });
      this.#cleared.add(name);
    }
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
  }

  async #tellStatus(gateway: string, { status, version, error }: ReportedConfiguration): Promise<void> {
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
    await store.journal.add({ timeMs: nowMs, level, code: JOURNAL_CODES[status], subject: gateway, message });
  }

  async #tellDrift(gateway: string, running: number): Promise<void> {
    const { store, clock, log } = this.#options;
    if (!this.#budget.take(gateway)) return;
    const code = 'CONFIGURATION_DRIFT';
    const message = `agent.yaml was edited on ${gateway} after version ${running} of its settings was applied`;
    log.warn({ gateway, code }, message);
    await store.journal.add({ timeMs: clock.now(), level: 'warn', code, subject: gateway, message });
  }
}
