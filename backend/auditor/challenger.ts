import { type KeyObject, randomBytes } from 'node:crypto';
import {
  CHALLENGE_MAX_ANSWERS,
  CHALLENGE_TYPE,
  decodeOpenings,
  OPENINGS_MEDIA_TYPE,
  signChallenge,
} from '#protocol/challenge.ts';
import { ANSWER_MAX_PARTS, CONTENT_MAX_BYTES, type CommandAnswer } from '#protocol/command-answer.ts';
import { BlindsightError } from '#protocol/errors.ts';
import { OPENING_MAX_BYTES, OPENING_SEED_BYTES } from '#protocol/opening.ts';
import { gatewayTopics, siteTopics } from '#protocol/topics.ts';
import type { Clock } from '#runtime/clock.ts';
import type { Link } from '#runtime/link.ts';
import type { Logger } from '#runtime/log.ts';
import { RareLines } from '#runtime/rare-lines.ts';
import { AnswerCollector } from '../answer-collector.ts';
import { authenticatePart } from '../authenticate-part.ts';
import type { AuditVerdict, ChallengeRecord } from '../store/challenges.ts';
import type { Store } from '../store/store.ts';

export type ChallengerOptions = {
  readonly store: Store;
  readonly site: string;
  readonly link: Pick<Link, 'publish' | 'subscribe' | 'connected'>;
  readonly ownerKey: () => Promise<KeyObject>;
  /** Of a release: bytes of the pictures of one answer, from its public program. */
  readonly pictureBytes: (bundle: string) => Promise<number>;
  /** Whether there is somebody to seal to, and gateways have heard to whom. */
  readonly isReady: () => Promise<boolean>;
  /** How long a gateway that goes on sending may take. */
  readonly answerMs: number;
  readonly settle: (challenge: ChallengeRecord, verdict: AuditVerdict) => Promise<unknown>;
  /** Called when openings have come. */
  readonly onOpened: () => void;
  readonly clock: Clock;
  readonly log: Logger;
};

const GRID_MS = 1000;
const AGAIN_MS = 10_000;
/** A gateway that does not answer is probably away; it is asked at once when it comes back. */
const SELDOM_MS = 600_000;
const OFTEN = 6;
/** A gateway that just connected may have got what was sent since. */
const SOON_MS = 2_000;
/** Messages that one gateway has to answer at once; more wait, or it would have to keep everything ready at once. */
const MAX_MESSAGES = 16;
/** Parts of answers of one gateway that wait to be looked at: four of the largest answers. */
const MAX_WAITING = 4 * ANSWER_MAX_PARTS;
/** A gateway that connects anew gets its time anew, so often. */
const MAX_RENEWALS = 5;
/** Of each opening: seed, keys, tags and lengths. */
const OPENING_OVERHEAD_BYTES = 256;

/** What is known of a message that waits for its answer: in memory, so after a restart gateways get their time anew. */
type Sent = { sinceMs: number; lastMs: number; count: number; renewals: number; wire: Uint8Array };

/**
 * Asks gateways to open the answers that were chosen, until they do, and keeps the openings for the auditor. An answer that its gateway did not open
 * although it sent others long after it was asked is missing; one that is away owes nothing until it is back.
 */
export class Challenger {
  readonly #options: ChallengerOptions;
  readonly #collector = new AnswerCollector();
  readonly #rare: RareLines;
  readonly #sent = new Map<string, Sent>();
  /** When each gateway was last heard, on the wall clock. */
  readonly #heard = new Map<string, number>();
  /** Parts of answers that wait, by gateway. */
  readonly #waiting = new Map<string, number>();
  #work: Promise<void> = Promise.resolve();

  constructor(options: ChallengerOptions) {
    this.#options = options;
    this.#rare = new RareLines(options.clock);
  }

  /** Subscribes to answers. */
  listen(): void {
    const { link, site } = this.#options;
    link.subscribe(
      siteTopics(site).anyGateway(`answer/${CHALLENGE_TYPE}/+`),
      (topic, payload, { retain }) => {
        const [gateway = '', , , id = ''] = topic.split('/').slice(3);
        // Before anything is looked at: who answers what nobody asked costs nothing, and nobody fills our memory.
        const waiting = this.#waiting.get(gateway) ?? 0;
        if (retain || !this.#sent.has(id) || waiting >= MAX_WAITING) return;
        this.#waiting.set(gateway, waiting + 1);
        this.#work = this.#work
          .then(() => this.#receive(topic, payload))
          .catch((error) => this.#failed(error, topic))
          .finally(() => this.#waiting.set(gateway, (this.#waiting.get(gateway) ?? 1) - 1));
      },
    );
  }

  /** Resolves when everything that was heard so far is dealt with. */
  async idle(): Promise<void> {
    await this.#work;
  }

  /** An envelope of a gateway arrived, and is its own. */
  heard(gateway: string, receivedMs: number): void {
    this.#heard.set(gateway, Math.max(receivedMs, this.#heard.get(gateway) ?? 0));
  }

  /** A gateway has connected: what it is asked is sent at once, and it gets its time anew. */
  async gatewayUp(gateway: string): Promise<void> {
    const now = this.#options.clock.now();
    for (const { message, gateway: asked } of await this.#options.store.challenges.asked()) {
      const sent = message === null ? undefined : this.#sent.get(message);
      if (asked !== gateway || sent === undefined) continue;
      sent.count = 0;
      if (now - sent.lastMs >= SOON_MS) sent.lastMs = Number.NEGATIVE_INFINITY;
      if (sent.renewals < MAX_RENEWALS) [sent.sinceMs, sent.renewals] = [now, sent.renewals + 1];
    }
  }

  /** Asks until the signal aborts, at whole seconds only. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#options;
    while (!signal.aborted) {
      try {
        await this.look();
      } catch (error) {
        log.warn({ err: error }, 'gateways could not be asked to open answers; trying again');
      }
      await clock.sleep(GRID_MS - (clock.now() % GRID_MS), signal).catch(() => {});
    }
    await this.#work;
  }

  /** Sends what is due, and settles what is missing. */
  async look(): Promise<void> {
    const { store, link, clock, isReady } = this.#options;
    const asked = byMessage(await store.challenges.asked());
    for (const message of this.#sent.keys()) if (!asked.has(message)) this.#sent.delete(message);
    if (!link.connected || !(await isReady())) return;
    const due = await store.challenges.due(clock.now());
    for (const [gateway, answers] of Map.groupBy(due, (answer) => answer.gateway))
      for (const batch of await this.#batches(gateway, answers, asked)) {
        const message = randomBytes(16).toString('hex');
        await store.challenges.ask(
          batch.map(({ id }) => id),
          message,
        );
        asked.set(message, batch);
      }
    let ownerKey: KeyObject | null = null;
    const key = async () => (ownerKey ??= await this.#options.ownerKey());
    for (const [message, answers] of asked)
      if (this.#isOverdue(message, answers[0]!.gateway)) await this.#missing(answers);
      else await this.#send(message, answers[0]!.gateway, key);
  }

  /** Fills messages with answers as far as their openings fit, and as far as the gateway is not asked too much already. */
  async #batches(
    gateway: string,
    answers: readonly ChallengeRecord[],
    asked: ReadonlyMap<string, readonly ChallengeRecord[]>,
  ): Promise<ChallengeRecord[][]> {
    const underWay = [...asked.values()].filter(([first]) => first?.gateway === gateway).length;
    const batches: ChallengeRecord[][] = [];
    let room = 0;
    for (const answer of answers) {
      const count = 1 + (answer.later?.length ?? 0);
      const opening =
        count * ((await this.#options.pictureBytes(answer.bundle)) + OPENING_SEED_BYTES) +
        OPENING_OVERHEAD_BYTES;
      const bytes = Math.min(opening, OPENING_MAX_BYTES);
      const last = batches.at(-1);
      if (last === undefined || last.length === CHALLENGE_MAX_ANSWERS || room < bytes) {
        if (underWay + batches.length === MAX_MESSAGES) break;
        batches.push([answer]);
        room = CONTENT_MAX_BYTES - OPENING_OVERHEAD_BYTES - bytes;
      } else {
        last.push(answer);
        room -= bytes;
      }
    }
    return batches;
  }

  async #send(message: string, gateway: string, ownerKey: () => Promise<KeyObject>): Promise<void> {
    const { store, link, site, clock } = this.#options;
    const now = clock.now();
    let sent = this.#sent.get(message);
    if (sent !== undefined && now - sent.lastMs < (sent.count < OFTEN ? AGAIN_MS : SELDOM_MS)) return;
    if (sent === undefined) {
      // Of all that the message asked: a gateway answers the same again.
      const answers = (await store.challenges.ofMessage(gateway, message)).map(({ digest }) => digest);
      const challenge = { schema: 1, site, gateway, id: message, answers, createdMs: now } as const;
      const wire = signChallenge(challenge, await ownerKey());
      sent = { sinceMs: now, lastMs: now, count: 0, renewals: 0, wire };
      this.#sent.set(message, sent);
    }
    sent.lastMs = now;
    sent.count += 1;
    await link.publish(gatewayTopics(site, gateway).command(CHALLENGE_TYPE, message), sent.wire, { qos: 1 });
    await store.challenges.sent(gateway, message, now);
  }

  #isOverdue(message: string, gateway: string): boolean {
    const sent = this.#sent.get(message);
    const heardMs = this.#heard.get(gateway);
    if (sent === undefined || heardMs === undefined) return false;
    return heardMs >= sent.sinceMs + this.#options.answerMs;
  }

  async #missing(answers: readonly ChallengeRecord[]): Promise<void> {
    for (const answer of answers) await this.#options.settle(answer, 'missing');
  }

  async #receive(topic: string, payload: Uint8Array): Promise<void> {
    const [gateway = '', , type = '', id = ''] = topic.split('/').slice(3);
    const { store, site } = this.#options;
    const answers = await store.challenges.ofMessage(gateway, id);
    if (!answers.some((answer) => answer.opening === null && answer.verdict === null)) return;
    const part = await authenticatePart(store, site, gateway, payload);
    if (part.type !== type || part.id !== id)
      throw new BlindsightError('ANSWER_INVALID', 'an answer came on the topic of another command');
    const answer = this.#collector.take(part);
    if (answer !== null) await this.#take(answers, answer);
  }

  async #take(answers: readonly ChallengeRecord[], answer: CommandAnswer): Promise<void> {
    const { store, settle, onOpened } = this.#options;
    const openings = openingsIn(answer, answers.length);
    for (const [i, challenge] of answers.entries()) {
      const opening = openings[i] ?? null;
      if (opening !== null) await store.challenges.open(challenge.id, opening);
      else if (challenge.opening === null && challenge.verdict === null) await settle(challenge, 'missing');
    }
    onOpened();
  }

  #failed(error: unknown, topic: string): void {
    const count = this.#rare.take(topic.split('/')[3] ?? '');
    if (count > 0) this.#options.log.warn({ err: error, topic, count }, 'an answer to a challenge was left');
  }
}

function byMessage(asked: readonly ChallengeRecord[]): Map<string, ChallengeRecord[]> {
  return Map.groupBy(asked, ({ message }) => message ?? '');
}

/** @returns none where the answer has not exactly as many as were asked for: what a gateway signs and is wrong is as good as nothing. */
function openingsIn({ content }: CommandAnswer, count: number): readonly (Uint8Array | null)[] {
  if (content?.mediaType !== OPENINGS_MEDIA_TYPE) return [];
  try {
    const openings = decodeOpenings(content.bytes);
    return openings.length === count ? openings : [];
  } catch {
    return [];
  }
}
