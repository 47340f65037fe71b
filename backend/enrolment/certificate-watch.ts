import type { BackendConfig } from '#config/schema.ts';
import type { SiteState } from '#protocol/api.ts';
import { shownTime } from '#runtime/certificate-check.ts';
import { END_NOTICE_MS } from '#runtime/certificate-end.ts';
import type { Clock } from '#runtime/clock.ts';
import type { Logger } from '#runtime/log.ts';
import type { Site } from '../site.ts';
import { noteOwnCertificates } from './note-certificates.ts';
import { type SiteCertificate, siteCertificates } from './site-certificates.ts';

export type CertificateWatchOptions = {
  readonly site: Pick<Site, 'store' | 'brokerDirectory'>;
  readonly config: Pick<BackendConfig, 'broker'>;
  readonly clock: Clock;
  readonly log: Logger;
  /** Called after each check with the certificates that expire within a month or have expired. */
  readonly onLook: (ending: SiteState['endingCertificates']) => void;
};

const LOOK_MS = 3_600_000;
const SAY_MS = 24 * 3_600_000;

/** Warns of certificates a month before they expire: in the log each day, in the journal once, on the page as long as it lasts. */
export class CertificateWatch {
  readonly #options: CertificateWatchOptions;
  readonly #saidMs = new Map<string, number>();

  constructor(options: CertificateWatchOptions) {
    this.#options = options;
  }

  /** Checks each hour until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#options;
    while (!signal.aborted) {
      await this.look().catch((err: unknown) => log.warn({ err }, 'the certificates cannot be checked'));
      await clock.sleep(LOOK_MS, signal).catch(() => {});
    }
  }

  async look(): Promise<void> {
    const { site, config, clock, onLook } = this.#options;
    const nowMs = clock.now();
    await noteOwnCertificates(site, config);
    const ending = (await siteCertificates(site, config)).filter(
      ({ endMs }) => endMs - nowMs <= END_NOTICE_MS,
    );
    onLook(ending.map(({ owner, name, endMs }) => ({ owner, name, ends: new Date(endMs).toISOString() })));
    for (const certificate of ending) await this.#say(certificate, nowMs);
  }

  async #say({ owner, name, endMs }: SiteCertificate, nowMs: number): Promise<void> {
    const { site, log } = this.#options;
    const key = `${owner} ${name} ${endMs}`;
    if (nowMs - (this.#saidMs.get(key) ?? Number.NEGATIVE_INFINITY) < SAY_MS) return;
    this.#saidMs.set(key, nowMs);
    const whose = owner === 'gateway' ? `gateway ${name}` : `the ${owner}`;
    const when = `${endMs > nowMs ? 'expires' : 'expired'} on ${shownTime(endMs)}`;
    const message = `the certificate of ${whose} ${when}: from then on it cannot be used to connect`;
    const code = 'CERTIFICATE_ENDS';
    log.warn({ code }, message);
    const setting = `certificate-end ${owner} ${name}`;
    await site.store.transaction(async (inside) => {
      if ((await inside.settings.get(setting)) === String(endMs)) return;
      await inside.settings.set(setting, String(endMs));
      await inside.journal.add({ timeMs: nowMs, level: 'warn', code, subject: name, message });
    });
  }
}
