import type { Reported } from '#protocol/messages.ts';
import { gatewayTopics } from '#protocol/topics.ts';
import type { Clock } from '#runtime/clock.ts';
import type { Link } from '#runtime/link.ts';
import type { Logger } from '#runtime/log.ts';
import { MinuteBudget } from '#runtime/minute-budget.ts';
import { NewestPublisher } from '../newest-publisher.ts';
import type { SoftwareReleaseRecord } from '../store/software.ts';
import type { Store } from '../store/store.ts';

export type SoftwareServiceOptions = {
  readonly store: Store;
  readonly site: string;
  readonly link: Pick<Link, 'publish' | 'connected'>;
  readonly clock: Clock;
  readonly log: Logger;
  /** Called after a release was published or its state changed. */
  readonly onChange: () => void;
};

const JOURNAL_CODES = {
  active: 'SOFTWARE_RUNS',
  refused: 'SOFTWARE_REFUSED',
  'rolled-back': 'SOFTWARE_ROLLED_BACK',
} as const;

/**
 * Keeps the retained release of software of every gateway at its newest, and the store up to date with what gateways report. Stateless over
 * restarts: what to publish follows from the store alone.
 */
export class SoftwareService {
  readonly #options: SoftwareServiceOptions;
  readonly #publisher: NewestPublisher<SoftwareReleaseRecord>;
  readonly #budget: MinuteBudget;

  constructor(options: SoftwareServiceOptions) {
    const { store, site, log, onChange } = options;
    this.#options = options;
    this.#budget = new MinuteBudget(options.clock);
    this.#publisher = new NewestPublisher({
      ...options,
      noun: 'a release of software',
      topicOf: (gateway) => gatewayTopics(site, gateway).softwareManifest,
      current: () => store.software.current(),
      idOf: ({ digest }) => digest,
      wireOf: ({ manifest }) => manifest,
      onPublished: ({ status, gateway, version, counter }) => {
        if (status === 'waiting') log.info({ gateway, version, counter }, 'release of software published');
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

  /** Records what a gateway reports about its software. */
  async reported(gateway: string, { software }: Reported): Promise<void> {
    if (software === undefined) return;
    const { store, clock, log, onChange } = this.#options;
    const { version, platform, subject, status, error } = software;
    if (await store.software.setRunning(gateway, version, platform)) onChange();
    if (subject === null || status === 'none') return;
    const release = await store.software.getRelease(subject);
    if (release === null || release.gateway !== gateway) return;
    const detail = error === null ? null : `${error.code}: ${error.message}`;
    const nowMs = clock.now();
    if (!(await store.software.setStatus(subject, status, detail, nowMs))) return;
    onChange();
    if (status !== 'active' && status !== 'refused' && status !== 'rolled-back') return;
    if (!this.#budget.take(gateway)) return;
    const level = status === 'active' ? 'info' : 'error';
    const why = detail === null ? '' : `: ${detail}`;
    const message = `software ${release.version} on ${gateway}: ${status}${why}`;
    log[level]({ gateway, status, detail }, message);
    await store.journal.add({
      timeMs: nowMs,
      level,
      code: JOURNAL_CODES[status],
      subject: gateway,
      message,
      because: gateway,
    });
  }
}
