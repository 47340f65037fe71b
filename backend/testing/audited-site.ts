import type { BackendConfig } from '#config/schema.ts';
import type { MessageHandler } from '#runtime/link.ts';
import { createLogger } from '#runtime/log.ts';
import { SimulatedClock } from '#runtime/simulated-clock.ts';
import { AuditService } from '../auditor/audit-service.ts';
import type { RemoteAuditor } from '../auditor/remote-auditor.ts';
import { openSelectionKey, Selection } from '../auditor/selection.ts';
import type { Processor, ProcessorOptions } from '../decryption/processor.ts';
import type { AuditCounts } from '../store/challenges.ts';
import { type DecryptingSite, drain } from './decrypting-site.ts';
import type { OpeningGateway } from './opening-gateway.ts';

const log = createLogger({ name: 'test', level: 'error', format: 'json', destination: { write: () => {} } });

/** Every answer has to be opened. */
export const AUDIT_EVERYTHING: BackendConfig['audit'] = {
  ...{ share: 1, lateShare: 1, answerSeconds: 30, missing: 3, aheadAnswers: 200 },
  ...{ auditor: 'thread', acceptReference: false },
};

type Sent = {
  readonly atMs: number;
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly retain: boolean;
};

/** A site that audits, with a link that a test looks into and a clock that it moves. */
export class AuditedSite {
  readonly at: DecryptingSite;
  readonly clock: SimulatedClock;
  readonly sent: Sent[] = [];
  /** Whether the broker is there. */
  connected = true;
  readonly #settings: BackendConfig['audit'];
  #service: AuditService | null = null;
  #processor: Processor | null = null;
  #hear: MessageHandler = () => {};

  constructor(at: DecryptingSite, settings = AUDIT_EVERYTHING) {
    this.at = at;
    this.#settings = settings;
    this.clock = new SimulatedClock(Date.now());
  }

  /** As after a start: what it knew in memory is gone. */
  async start(options: Partial<ProcessorOptions> = {}, remote: RemoteAuditor | null = null): Promise<void> {
    const { site } = this.at;
    const { clock } = this;
    await this.#service?.stop();
    const outer = this;
    const service = new AuditService({
      ...{ site, settings: this.#settings, remote, clock, log, onChange: () => {} },
      link: {
        get connected() {
          return outer.connected;
        },
        publish: async (topic, payload, sending) => {
          const retain = sending?.retain ?? false;
          this.sent.push({ atMs: clock.now(), topic, payload: payload as Uint8Array, retain });
        },
        subscribe: (_, handler) => {
          this.#hear = handler;
          return () => {};
        },
      },
    });
    service.listen();
    await service.open();
    await service.linkUp();
    this.#service = service;
    const key = await openSelectionKey(site.store, site.vault, 0);
    const { share, lateShare } = this.#settings;
    const selection = new Selection({ store: site.store, key, share, lateShare });
    const audits = { consider: selection.consider.bind(selection), heard: service.heard.bind(service) };
    this.#processor = this.at.makeProcessor({ clock, audits, ...options });
  }

  get service(): AuditService {
    return this.#service!;
  }

  get processor(): Processor {
    return this.#processor!;
  }

  /** Decrypts all that came. */
  decrypt(): Promise<void> {
    return drain(this.at, this.processor);
  }

  /** Lets time pass and asks what is due then. @returns what was sent to gateways */
  async ask(ms = 2000): Promise<Uint8Array[]> {
    await this.clock.advance(ms);
    const before = this.sent.length;
    await this.service.ask();
    return this.sent.slice(before).flatMap(({ topic, payload }) => (isChallenge(topic) ? [payload] : []));
  }

  /** When gateways were asked, in order. */
  get askedMs(): number[] {
    return this.sent.flatMap(({ topic, atMs }) => (isChallenge(topic) ? [atMs] : []));
  }

  /** The retained message that says to whom gateways seal. */
  get auditorKey(): Uint8Array {
    return this.sent.findLast(({ topic }) => topic.endsWith('/auditor'))!.payload;
  }

  /** A message of a gateway comes. */
  hear({ topic, payload }: { readonly topic: string; readonly payload: Uint8Array }): void {
    this.#hear(topic, payload, { retain: false, dup: false, qos: 1 });
  }

  /** A gateway answers, and what it shows is judged. */
  async answer(gateway: OpeningGateway, challenges: readonly Uint8Array[]): Promise<void> {
    for (const wire of challenges)
      for (const message of await gateway.answer(wire, this.auditorKey)) this.hear(message);
    await this.service.judge();
  }

  /** Why its first gateway is in quarantine; null if it is not. */
  async quarantine(): Promise<string | null> {
    return (await this.at.site.store.gateways.get(this.at.gateway.name))?.quarantine?.reason ?? null;
  }

  async counts(): Promise<AuditCounts | undefined> {
    return (await this.at.site.store.challenges.counts())[0];
  }

  async close(): Promise<void> {
    await this.#service?.stop();
    await this.at.close();
  }
}

function isChallenge(topic: string): boolean {
  return topic.includes('/command/audit/');
}
