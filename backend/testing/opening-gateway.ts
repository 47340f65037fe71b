import { randomBytes } from 'node:crypto';
import {
  answerPlaces,
  createEngineInterpreter,
  decodeProgram,
  Gathering,
  type Interpreter,
  type VerifiedProgram,
  verifyProgram,
} from '#fhe';
import { answerDigest } from '#protocol/answer-digest.ts';
import { auditorPublicKey, decodeAuditorKey } from '#protocol/auditor-key.ts';
import { CHALLENGE_TYPE, decodeChallenge, encodeOpenings, OPENINGS_MEDIA_TYPE } from '#protocol/challenge.ts';
import { type CommandAnswer, encodeAnswer, signAnswer } from '#protocol/command-answer.ts';
import { answersOf, type Envelope } from '#protocol/envelope.ts';
import { encryptionSeed, joinOpenings, type Opening, sealOpening } from '#protocol/opening.ts';
import { gatewayTopics } from '#protocol/topics.ts';
import { pictureInputs } from '#vision/picture-input.ts';
import type { DecryptingSite, TestGateway } from './decrypting-site.ts';
import type { TinyNetwork } from './tiny-network.ts';

type Message = { readonly topic: string; readonly payload: Uint8Array };

/** What a gateway sends besides what it computed; for liars. */
export type Send = Partial<Envelope> & {
  readonly picture?: Uint8Array;
  readonly receivedMs?: number;
};

/** A gateway of a {@link DecryptingSite} that keeps its openings and shows them when it is asked, as far as a test lets it. */
export class OpeningGateway {
  readonly gateway: TestGateway;
  readonly #at: DecryptingSite;
  readonly #interpreter: Interpreter;
  readonly #program: VerifiedProgram;
  readonly #now: () => number;
  readonly #openings = new Map<string, Opening>();
  #sequence = -1;
  /** What it has in hand for an answer; a liar shows something else. */
  show: (opening: Opening | null, answer: string) => Opening | Uint8Array | null = (opening) => opening;

  private constructor(
    at: DecryptingSite,
    gateway: TestGateway,
    interpreter: Interpreter,
    program: VerifiedProgram,
    now: () => number,
  ) {
    this.#program = program;
    this.#now = now;
    this.#at = at;
    this.gateway = gateway;
    this.#interpreter = interpreter;
  }

  static async make(
    at: DecryptingSite,
    { protectedNetwork }: Pick<TinyNetwork, 'protectedNetwork'>,
    { gateway = at.gateway, now = Date.now } = {},
  ): Promise<OpeningGateway> {
    const part = (name: string) => protectedNetwork.parts.find((one) => one.name === name)!.bytes;
    const program = verifyProgram(decodeProgram(part('program')));
    const interpreter = await createEngineInterpreter(
      {
        program,
        ...{ publicKey: part('public-key'), constants: part('constants') },
        evaluationKeys: part('evaluation-keys'),
      },
      { threads: 1 },
    );
    return new OpeningGateway(at, gateway, interpreter, program, now);
  }

  /** Computes an answer about a picture and sends it. @param changes `ciphertext` sends another in its place */
  async send({ picture = Uint8Array.of(0, 255), ...more }: Send = {}): Promise<Envelope> {
    this.#sequence += 1;
    const { receivedMs = this.#now(), ...changes } = more;
    const time = { frameTimeMs: receivedMs - 1000, readyTimeMs: receivedMs - 500 };
    const bare = this.#at.makeEnvelope(
      { ...time, sequence: this.#sequence, interpreter: 'engine', ...changes },
      this.gateway,
    );
    const seed = new Uint8Array(randomBytes(32));
    const values = pictureInputs(picture, { channels: 1, height: 1, width: 2 }, picture.length / 2);
    const { ciphertext } = this.#interpreter.run(values, encryptionSeed(seed, bare));
    const envelope = { ...bare, ciphertext: changes.ciphertext ?? new Uint8Array(ciphertext) };
    if (changes.ciphertext === undefined) this.#openings.set(answerDigest(envelope), { picture, seed });
    await this.#at.put(envelope, this.gateway, { receivedMs });
    return envelope;
  }

  /** Computes answers about pictures of 1 × 2 and sends them gathered. @param forge changes one before they are added up */
  async sendGathered(
    pictures: readonly Uint8Array[],
    {
      forge = (answer: Uint8Array, _index: number): Uint8Array => answer,
      ...changes
    }: Partial<Envelope> & {
      readonly forge?: (answer: Uint8Array, index: number) => Uint8Array;
    } = {},
  ): Promise<Envelope> {
    const now = this.#now();
    const timings = { prepareMs: 1, encryptMs: 2, evaluateMs: 3 };
    const at = (i: number) => ({
      camera: 'door',
      frameTimeMs: now - 1000 + i,
      readyTimeMs: now - 500,
      timings,
    });
    const bare = this.#at.makeEnvelope(
      {
        ...at(0),
        ...{ schema: 3, sequence: this.#sequence + 1, interpreter: 'engine' },
        later: pictures.slice(1).map((_, i) => at(i + 1)),
        ...changes,
      },
      this.gateway,
    );
    this.#sequence += pictures.length;
    const sum = new Gathering(this.#program.resultParameters, answerPlaces(this.#program));
    const openings = answersOf(bare).map((place, i): Opening => {
      const seed = new Uint8Array(randomBytes(32));
      const picture = pictures[i]!.slice();
      const values = pictureInputs(picture, { channels: 1, height: 1, width: 2 }, 1);
      sum.add(forge(this.#interpreter.run(values, encryptionSeed(seed, place)).ciphertext, i));
      return { picture, seed };
    });
    const envelope = { ...bare, ciphertext: sum.finish() };
    this.#openings.set(answerDigest(envelope), joinOpenings(openings));
    await this.#at.put(envelope, this.gateway, { receivedMs: now });
    return envelope;
  }

  /** Answers a challenge. @param auditor the retained message that says to whom it seals */
  async answer(wire: Uint8Array, auditor: Uint8Array): Promise<Message[]> {
    const { challenge } = decodeChallenge(wire);
    const key = auditorPublicKey(decodeAuditorKey(auditor).auditor);
    const openings = await Promise.all(
      challenge.answers.map(async (answer) => {
        const shown = this.show(this.#openings.get(answer) ?? null, answer);
        return shown === null || shown instanceof Uint8Array ? shown : sealOpening(key, shown, answer);
      }),
    );
    const bytes = encodeOpenings(openings);
    return this.sign(challenge.id, {
      ...{ status: 'done', code: null, message: 'opened' },
      content: { mediaType: OPENINGS_MEDIA_TYPE, bytes },
    });
  }

  /** Parts of an answer to a challenge, as they are published. */
  sign(id: string, answer: CommandAnswer): Message[] {
    const { name, signingKey } = this.gateway;
    const site = this.#at.site.name;
    const address = { site, gateway: name, type: CHALLENGE_TYPE, id };
    const topic = gatewayTopics(site, name).answer(CHALLENGE_TYPE, id);
    return signAnswer(address, encodeAnswer(answer), signingKey).map((payload) => ({ topic, payload }));
  }

  close(): Promise<void> {
    return this.#interpreter.close();
  }
}
