import { join } from 'node:path';
import type { BackendConfig } from '#config/schema.ts';
import type { Clock } from '#runtime/clock.ts';
import type { Link } from '#runtime/link.ts';
import type { Logger } from '#runtime/log.ts';
import { openOwnerKey } from '../owner-keys/owner-key.ts';
import { SECRETS } from '../sealing/identities.ts';
import type { Site } from '../site.ts';
import { AuditLoop } from './audit-loop.ts';
import { auditorIdentity, forgetOwnAuditor, OWN, openOwnAuditor } from './auditor-key.ts';
import { Challenger } from './challenger.ts';
import { Judgement } from './judgement.ts';
import { KeyPublisher } from './key-publisher.ts';
import { PictureBytes } from './picture-bytes.ts';
import type { RemoteAuditor } from './remote-auditor.ts';
import { ThreadAuditor } from './thread-auditor.ts';

export type AuditServiceOptions = {
  readonly site: Site;
  readonly settings: BackendConfig['audit'];
  /** Given where the auditor is a process of its own: the backend then opens no opening itself. */
  readonly remote: RemoteAuditor | null;
  readonly link: Pick<Link, 'publish' | 'subscribe' | 'connected'>;
  readonly clock: Clock;
  readonly log: Logger;
  /** Called after anything that an operator can see has changed. */
  readonly onChange: () => void;
};

const PRUNE_MS = 3_600_000;
const RETRY_MS = 5_000;
/** By then gateways that are connected have heard of another key. */
const HEARD_MS = 5_000;

/** Holds gateways to the truth: asks them to open answers that were chosen, has the openings judged, and draws the consequences. */
export class AuditService {
  readonly #options: AuditServiceOptions;
  readonly #keys: KeyPublisher;
  readonly #challenger: Challenger;
  readonly #loop: AuditLoop;
  /** Null where it is a process of its own. */
  readonly #thread: ThreadAuditor | null;

  constructor(options: AuditServiceOptions) {
    const { site, settings, remote, link, clock, log, onChange } = options;
    const { store, vault, name } = site;
    this.#options = options;
    const ownerKey = () => openOwnerKey(store, vault);
    const judgement = new Judgement({ store, missing: settings.missing, clock, log, onVerdict: onChange });
    const settle = judgement.settle.bind(judgement);
    const common = { store, site: name, clock, log };
    const pictures = new PictureBytes(site);
    this.#keys = new KeyPublisher({ ...common, link, ownerKey });
    this.#challenger = new Challenger({
      ...{ ...common, link, ownerKey, settle },
      pictureBytes: (bundle) => pictures.get(bundle),
      isReady: () => this.#isReady(),
      answerMs: settings.answerSeconds * 1000,
      onOpened: onChange,
    });
    const thread =
      remote === null
        ? new ThreadAuditor({
            keys: async () => [await vault.fetch(store, SECRETS.auditorKey)],
            parts: join(site.dataDirectory, 'bundles'),
          })
        : null;
    this.#thread = thread;
    const auditor = thread ?? remote!;
    this.#loop = new AuditLoop({
      ...{ ...common, settle, onUndone: onChange },
      audit: (job) => auditor.audit(job),
    });
  }

  /** Subscribes to openings. */
  listen(): void {
    this.#challenger.listen();
  }

  /** A new connection to the broker. */
  async linkUp(): Promise<void> {
    await this.#keys.linkUp();
  }

  /** A gateway has connected. */
  gatewayUp(gateway: string): Promise<void> {
    return this.#challenger.gatewayUp(gateway);
  }

  /** An envelope of a gateway arrived, and is its own. */
  heard(gateway: string, receivedMs: number): void {
    this.#challenger.heard(gateway, receivedMs);
  }

  /** Makes sure that there is somebody to seal to. */
  async open(): Promise<void> {
    const { site, remote, clock } = this.#options;
    if (remote !== null) return forgetOwnAuditor(site.store);
    await openOwnAuditor(site.store, site.vault, clock.now());
  }

  /** Asks once. */
  ask(): Promise<void> {
    return this.#challenger.look();
  }

  /** Resolves when everything that was heard so far is stored. */
  idle(): Promise<void> {
    return this.#challenger.idle();
  }

  /** Takes in what was heard, and judges what came. */
  async judge(): Promise<void> {
    await this.#challenger.idle();
    while ((await this.#loop.look()) === 'done');
  }

  /** Ends what is being computed; it is audited after the next start. */
  async stop(): Promise<void> {
    this.#options.remote?.close();
    await this.#thread?.close();
  }

  async #isReady(): Promise<boolean> {
    const auditor = await auditorIdentity(this.#options.site.store);
    if (auditor === null) return false;
    return auditor.by === OWN || this.#options.clock.now() - auditor.sinceMs >= HEARD_MS;
  }

  /** Asks, judges and forgets until the signal aborts; a thread that is computing then is ended, and its answer is audited after the next start. */
  async run(signal: AbortSignal): Promise<void> {
    if (!(await this.#openKey(signal))) return;
    const close = () => void this.stop();
    signal.addEventListener('abort', close, { once: true });
    await Promise.all([
      this.#keys.run(signal),
      this.#challenger.run(signal),
      this.#loop.run(signal),
      this.#prune(signal),
    ]);
    await this.stop();
  }

  /** @returns false where the signal aborted first */
  async #openKey(signal: AbortSignal): Promise<boolean> {
    const { clock, log } = this.#options;
    while (!signal.aborted) {
      try {
        await this.open();
        return true;
      } catch (error) {
        log.error({ err: error }, 'the key of the auditor cannot be opened; trying again');
        await clock.sleep(RETRY_MS, signal).catch(() => {});
      }
    }
    return false;
  }

  async #prune(signal: AbortSignal): Promise<void> {
    const { site, clock, log } = this.#options;
    while (!signal.aborted) {
      try {
        await site.store.challenges.prune(clock.now());
      } catch (error) {
        log.warn({ err: error }, 'old audits could not be removed; tried again in an hour');
      }
      await clock.sleep(PRUNE_MS, signal).catch(() => {});
    }
  }
}
