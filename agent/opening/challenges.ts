import type { KeyObject } from 'node:crypto';
import {
  CHALLENGE_TYPE,
  type Challenge,
  decodeChallenge,
  encodeOpenings,
  OPENINGS_MEDIA_TYPE,
  verifyChallenge,
} from '#protocol/challenge.ts';
import { COMMAND_ID } from '#protocol/command.ts';
import { CONTENT_MAX_BYTES, type CommandAnswer, encodeAnswer, signAnswer } from '#protocol/command-answer.ts';
import { BlindsightError } from '#protocol/errors.ts';
import type { Clock } from '#runtime/clock.ts';
import type { Logger } from '#runtime/log.ts';
import { RareLines } from '#runtime/rare-lines.ts';
import type { Openings } from './openings.ts';

export type ChallengesOptions = {
  readonly site: string;
  readonly gateway: string;
  /** Keys that the owner signs with now; each is as good as the others. */
  readonly ownerKeys: () => readonly KeyObject[];
  /** Ed25519; signs answers. */
  readonly signingKey: KeyObject;
  readonly openings: Pick<Openings, 'find'>;
  /** Publishes a part of an answer; rejects where there is no link, or everything ends. */
  readonly publish: (type: string, id: string, wire: Uint8Array, signal: AbortSignal) => Promise<void>;
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly log: Logger;
};

/** A second's worth of work, whoever asks for it. */
const A_SECOND = 10;
/** Challenges that wait for a slow link. */
const MAX_WAITING = 32;
/** CBOR around each opening, and around all. */
const HEAD_BYTES = 16;

/**
 * Opens answers that the owner asks about. What is shown is sealed to the auditor and changes nothing here, so a challenge may come late or again; it
 * must be the owner's, for this gateway. One after the other, and few a second, so that no picture waits for it.
 */
export class Challenges {
  readonly #options: ChallengesOptions;
  readonly #lines: RareLines;
  readonly #closing = new AbortController();
  #second = 0;
  #taken = 0;
  #waiting = 0;
  #answered = 0;
  #ignored = 0;
  #work: Promise<void> = Promise.resolve();

  constructor(options: ChallengesOptions) {
    this.#options = options;
    this.#lines = new RareLines(options.clock);
  }

  /** Since the start; `ignored` came too fast. */
  get status(): { readonly answered: number; readonly ignored: number } {
    return { answered: this.#answered, ignored: this.#ignored };
  }

  /** What came on `command/audit/<id>`. */
  receive(id: string, wire: Uint8Array): void {
    if (!COMMAND_ID.test(id)) return;
    if (!this.#take()) {
      this.#ignored++;
      return;
    }
    const own = Uint8Array.from(wire);
    this.#waiting++;
    this.#work = this.#work
      .then(() => this.#receive(id, own))
      .catch((error: unknown) => this.#options.log.debug({ err: error }, 'a challenge was not answered'))
      .finally(() => {
        this.#waiting--;
      });
  }

  /** Resolves when everything that came so far is dealt with. */
  async idle(): Promise<void> {
    await this.#work;
  }

  /** Breaks off what is being said. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#work;
  }

  #take(): boolean {
    const second = Math.floor(this.#options.clock.monotonic() / 1000);
    if (second !== this.#second) this.#taken = 0;
    this.#second = second;
    if (this.#taken >= A_SECOND || this.#waiting >= MAX_WAITING) return false;
    this.#taken++;
    return true;
  }

  async #receive(id: string, wire: Uint8Array): Promise<void> {
    if (this.#closing.signal.aborted) return;
    let challenge: Challenge;
    try {
      challenge = this.#authenticate(id, wire);
    } catch (error) {
      if (!(error instanceof BlindsightError)) throw error;
      const { code, message } = error;
      const count = this.#lines.take(code);
      if (count > 0) this.#options.log.warn({ code, count }, `a challenge was refused: ${message}`);
      return await this.#publish(id, { status: 'failed', code, message, content: null });
    }
    const bytes = encodeOpenings(await this.#open(challenge));
    const message = `${challenge.answers.length} answers were asked about`;
    const content = { mediaType: OPENINGS_MEDIA_TYPE, bytes };
    await this.#publish(id, { status: 'done', code: null, message, content });
    this.#answered++;
  }

  /** @throws BlindsightError CHALLENGE_INVALID for bytes that are none, CHALLENGE_FOREIGN for one of another owner, gateway or topic */
  #authenticate(id: string, wire: Uint8Array): Challenge {
    const { site, gateway, ownerKeys } = this.#options;
    const decoded = decodeChallenge(wire);
    const { challenge } = decoded;
    if (!ownerKeys().some((key) => verifyChallenge(decoded, key)))
      throw foreign('a challenge was not signed by the owner of this site');
    if (challenge.site !== site || challenge.gateway !== gateway)
      throw foreign(
        `a challenge is for gateway ${challenge.gateway} of ${challenge.site}, this is ${gateway} of ${site}`,
      );
    if (challenge.id !== id) throw foreign('a challenge came on the topic of another');
    return challenge;
  }

  /** In the order in which they were asked for; those that an answer has no room for are left out. */
  async #open({ answers }: Challenge): Promise<(Uint8Array | null)[]> {
    const opened: (Uint8Array | null)[] = [];
    let bytes = HEAD_BYTES;
    for (const answer of answers) {
      const sealed = await this.#options.openings.find(answer);
      const size = HEAD_BYTES + (sealed?.length ?? 0);
      const fits = bytes + size <= CONTENT_MAX_BYTES;
      opened.push(fits ? sealed : null);
      bytes += fits ? size : HEAD_BYTES;
    }
    return opened;
  }

  async #publish(id: string, answer: CommandAnswer): Promise<void> {
    const { site, gateway, signingKey, publish } = this.#options;
    for (const part of signAnswer(
      { site, gateway, type: CHALLENGE_TYPE, id },
      encodeAnswer(answer),
      signingKey,
    ))
      await publish(CHALLENGE_TYPE, id, part, this.#closing.signal);
  }
}

const foreign = (message: string) => new BlindsightError('CHALLENGE_FOREIGN', message);
