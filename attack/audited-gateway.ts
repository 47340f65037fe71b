import { randomBytes } from 'node:crypto';
import { AuditService } from '#backend/auditor/audit-service.ts';
import type { TestSite } from '#backend/testing/test-site.ts';
import type { BackendConfig } from '#config/schema.ts';
import { answerDigest } from '#protocol/answer-digest.ts';
import { auditorPublicKey, decodeAuditorKey } from '#protocol/auditor-key.ts';
import { CHALLENGE_TYPE, decodeChallenge, encodeOpenings, OPENINGS_MEDIA_TYPE } from '#protocol/challenge.ts';
import { encodeAnswer, signAnswer } from '#protocol/command-answer.ts';
import { type Opening, sealOpening } from '#protocol/opening.ts';
import { gatewayTopics } from '#protocol/topics.ts';
import type { MessageHandler } from '#runtime/link.ts';
import type { Logger } from '#runtime/log.ts';
import type { SimulatedClock } from '#runtime/simulated-clock.ts';
import type { Excuse } from './excuse.ts';
import type { HeldGateway } from './held-gateway.ts';
import type { OpenableAnswer } from './honest-gateway.ts';

type Options = {
  readonly site: TestSite;
  readonly gateway: HeldGateway;
  readonly settings: BackendConfig['audit'];
  readonly excuse: Excuse;
  readonly clock: SimulatedClock;
  readonly log: Logger;
};

/** The service that asks gateways to open answers, with its auditor's thread, and the liar who is asked: nothing but the wire between them is missing. */
export class AuditedGateway {
  readonly #options: Options;
  readonly #sent: { readonly topic: string; readonly payload: Uint8Array }[] = [];
  readonly #service: AuditService;
  #hear: MessageHandler = () => {};
  #auditor: Uint8Array | null = null;
  /** Of answers that the liar computed honestly, by digest. */
  readonly #openings = new Map<string, Opening>();
  #restarts = 0;

  private constructor(options: Options) {
    this.#options = options;
    const { site, settings, clock, log } = options;
    this.#service = new AuditService({
      ...{ site, settings, clock, log, remote: null, onChange: () => {} },
      link: {
        connected: true,
        publish: async (topic, payload) => {
          this.#sent.push({ topic, payload: payload as Uint8Array });
        },
        subscribe: (_, handler) => {
          this.#hear = handler;
          return () => {};
        },
      },
    });
  }

  static async make(options: Options): Promise<AuditedGateway> {
    const audited = new AuditedGateway(options);
    if (options.settings.share > 0) {
      audited.#service.listen();
      await audited.#service.open();
      await audited.#service.linkUp();
    }
    return audited;
  }

  heard(gateway: string, receivedMs: number): void {
    this.#service.heard(gateway, receivedMs);
  }

  /** Keeps the opening of an honest answer, to show it. */
  keep({ ciphertext, opening }: OpenableAnswer): void {
    this.#openings.set(answerDigest({ ciphertext }), opening);
  }

  /** How often the liar connected anew, in another session, in place of an answer. */
  get restarts(): number {
    return this.#restarts;
  }

  /** Asks what is due, lets the liar answer, and has it judged. */
  async round(): Promise<void> {
    await this.#service.ask();
    for (const { topic, payload } of this.#sent.splice(0)) {
      if (topic.endsWith('/auditor')) this.#auditor = payload;
      else if (topic.includes(`/command/${CHALLENGE_TYPE}/`)) await this.#answer(payload);
    }
    await this.#service.judge();
  }

  async #answer(wire: Uint8Array): Promise<void> {
    const { challenge } = decodeChallenge(wire);
    const shown = await Promise.all(challenge.answers.map((answer) => this.#show(answer)));
    const { site, gateway, excuse } = this.#options;
    if (excuse === 'restart' && shown.includes(null)) {
      this.#restarts++;
      return this.#service.gatewayUp(gateway.name);
    }
    if (shown.every((one) => one === null)) return;
    const content = { mediaType: OPENINGS_MEDIA_TYPE, bytes: encodeOpenings(shown) };
    const answer = { status: 'done', code: null, message: 'opened', content } as const;
    const address = { site: site.name, gateway: gateway.name, type: CHALLENGE_TYPE, id: challenge.id };
    const topic = gatewayTopics(site.name, gateway.name).answer(CHALLENGE_TYPE, challenge.id);
    for (const payload of signAnswer(address, encodeAnswer(answer), gateway.signingKey))
      this.#hear(topic, payload, { retain: false, dup: false, qos: 1 });
  }

  async #show(answer: string): Promise<Uint8Array | null> {
    const { gateway, excuse } = this.#options;
    const opening = this.#openings.get(answer);
    if (opening === undefined && (excuse === 'silent' || excuse === 'restart')) return null;
    if (opening === undefined && excuse === 'garbage') return randomBytes(2000);
    const key = auditorPublicKey(decodeAuditorKey(this.#auditor!).auditor);
    const { picture, regions = 1 } = gateway.material.program.program;
    const bytes = regions * picture.channels * picture.height * picture.width;
    return sealOpening(
      key,
      opening ?? { picture: new Uint8Array(bytes).fill(100), seed: new Uint8Array(randomBytes(32)) },
      answer,
    );
  }

  close(): Promise<void> {
    return this.#service.stop();
  }
}
