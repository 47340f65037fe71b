import { CHALLENGE_TYPE } from '#protocol/challenge.ts';
import { COMMAND_ID } from '#protocol/command.ts';
import { ANSWER_MAX_PARTS, type CommandAnswer } from '#protocol/command-answer.ts';
import { BlindsightError } from '#protocol/errors.ts';
import { gatewayTopics, siteTopics } from '#protocol/topics.ts';
import type { Clock } from '#runtime/clock.ts';
import type { Link } from '#runtime/link.ts';
import type { Logger } from '#runtime/log.ts';
import { MinuteBudget } from '#runtime/minute-budget.ts';
import { RareLines } from '#runtime/rare-lines.ts';
import { AnswerCollector } from '../answer-collector.ts';
import { authenticatePart } from '../authenticate-part.ts';
import type { CommandRecord } from '../store/commands.ts';
import type { Store } from '../store/store.ts';

/** Parts of answers of one gateway that wait to be looked at: four of the largest answers. */
const WAITING_MAX = 4 * ANSWER_MAX_PARTS;

export type CommandServiceOptions = {
  readonly store: Store;
  readonly site: string;
  readonly link: Pick<Link, 'publish' | 'subscribe' | 'connected'>;
  readonly clock: Clock;
  readonly log: Logger;
};

/** How soon a command from the command line is noticed. */
const POLL_MS = 500;
/** How often one that nobody answers is sent again; the gateway knows it by its id. */
const AGAIN_MS = 10_000;
/** A gateway that just connected may have got what was sent since. */
const SOON_MS = 2_000;
/** How long after the expiry an answer is waited for: what was begun in time may take a while, above all a restart. */
export const GRACE_MS = 60_000;

/**
 * Sends commands to gateways, again and again until they are answered or expire, and stores the answers. Stateless over restarts: what waits
 * follows from the store alone.
 */
export class CommandService {
  readonly #options: CommandServiceOptions;
  readonly #collector = new AnswerCollector();
  readonly #budget: MinuteBudget;
  /** Parts of answers that wait, by gateway. */
  readonly #waiting = new Map<string, number>();
  readonly #rare: RareLines;
  /** When each pending command was sent last, on the monotonic clock. */
  readonly #sent = new Map<string, number>();
  #work: Promise<void> = Promise.resolve();

  constructor(options: CommandServiceOptions) {
    this.#options = options;
    this.#budget = new MinuteBudget(options.clock);
    this.#rare = new RareLines(options.clock);
  }

  /** Subscribes to answers. */
  listen(): void {
    const { link, site } = this.#options;
    link.subscribe(siteTopics(site).anyGateway('answer/+/+'), (topic, payload, { retain }) => {
      // Answers to challenges are the auditor's.
      const [gateway = '', , type] = topic.split('/').slice(3);
      if (retain || type === CHALLENGE_TYPE || !this.#admit(gateway)) return;
      // One after the other: the parts of an answer are counted, and the first answer counts.
      this.#work = this.#work
        .then(() => this.#receive(topic, payload))
        .catch((error) => this.#failed(error, topic))
        .finally(() => this.#leave(gateway));
    });
  }

  /** Whether another part of this gateway may wait: a flood must neither fill memory nor keep the others waiting for long. */
  #admit(gateway: string): boolean {
    const waiting = this.#waiting.get(gateway) ?? 0;
    if (waiting >= WAITING_MAX) return false;
    this.#waiting.set(gateway, waiting + 1);
    return true;
  }

  #leave(gateway: string): void {
    const left = (this.#waiting.get(gateway) ?? 1) - 1;
    if (left > 0) this.#waiting.set(gateway, left);
    else this.#waiting.delete(gateway);
  }

  /** Resolves when everything that was heard so far is dealt with. */
  async idle(): Promise<void> {
    await this.#work;
  }

  /** A gateway is there: what waits for it is sent at once. */
  async gatewayUp(gateway: string): Promise<void> {
    for (const command of await this.#options.store.commands.pending())
      if (command.gateway === gateway && this.#sinceSent(command) >= SOON_MS)
        this.#sent.set(command.id, Number.NEGATIVE_INFINITY);
  }

  /** Sends and expires until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#options;
    while (!signal.aborted) {
      try {
        await this.look();
      } catch (error) {
        log.warn({ err: error }, 'a command could not be sent; trying again');
      }
      await clock.sleep(POLL_MS, signal).catch(() => {});
    }
    await this.#work;
  }

  /** Sends what waits, and lets expire what nobody answered. */
  async look(): Promise<void> {
    const { store, clock } = this.#options;
    const pending = await store.commands.pending();
    for (const id of this.#sent.keys())
      if (!pending.some((command) => command.id === id)) this.#sent.delete(id);
    for (const command of pending) {
      const now = clock.now();
      if (command.expiresMs > now) await this.#send(command);
      else if (command.expiresMs + (this.#sent.has(command.id) ? GRACE_MS : 0) <= now)
        await this.#expire(command);
    }
  }

  async #send({ gateway, type, id, wire }: CommandRecord): Promise<void> {
    const { link, site, clock } = this.#options;
    if (!link.connected || this.#sinceSent({ id }) < AGAIN_MS) return;
    this.#sent.set(id, clock.monotonic());
    await link.publish(gatewayTopics(site, gateway).command(type, id), wire);
  }

  /** Infinite where it was not. */
  #sinceSent({ id }: Pick<CommandRecord, 'id'>): number {
    return this.#options.clock.monotonic() - (this.#sent.get(id) ?? Number.NEGATIVE_INFINITY);
  }

  async #expire({ gateway, type, id, expiresMs }: CommandRecord): Promise<void> {
    const { store, clock } = this.#options;
    this.#collector.drop(id);
    if (!(await store.commands.expire(id, clock.now()))) return;
    const message = `${gateway} did not answer ${type} until ${new Date(expiresMs).toISOString()}, when it expired`;
    await this.#tell('warn', 'COMMAND_UNANSWERED', gateway, message);
  }

  async #receive(topic: string, payload: Uint8Array): Promise<void> {
    const [gateway = '', , type = '', id = ''] = topic.split('/').slice(3);
    if (!COMMAND_ID.test(id)) return;
    const { store, clock } = this.#options;
    const command = await store.commands.get(gateway, id);
    // Before a signature is looked at: who answers what nobody asked costs nothing.
    if (command === null || (command.status !== 'pending' && command.status !== 'expired')) return;
    const part = await authenticatePart(store, this.#options.site, gateway, payload);
    if (part.type !== type || part.id !== id || command.type !== type)
      throw new BlindsightError('ANSWER_INVALID', 'an answer came on the topic of another command');
    const answer = this.#collector.take(part);
    if (answer !== null && (await store.commands.answer(gateway, id, answer, clock.now())))
      await this.#tellAnswer(command, answer);
  }

  async #tellAnswer(
    { gateway, type }: CommandRecord,
    { status, code, message }: CommandAnswer,
  ): Promise<void> {
    const words =
      status === 'done' ? `${gateway} carried out ${type}` : `${gateway} did not carry out ${type}`;
    const detail = code === null ? message : `${message} (${code})`;
    await this.#tell(status === 'done' ? 'info' : 'warn', 'COMMAND_ANSWERED', gateway, `${words}: ${detail}`);
  }

  async #tell(
    level: 'info' | 'warn',
    code: 'COMMAND_ANSWERED' | 'COMMAND_UNANSWERED',
    gateway: string,
    message: string,
  ): Promise<void> {
    const { store, clock, log } = this.#options;
    if (!this.#budget.take(gateway)) return;
    log[level]({ gateway, code }, message);
    await store.journal.add({
      timeMs: clock.now(),
      level,
      code,
      subject: gateway,
      message,
      because: gateway,
    });
  }

  #failed(error: unknown, topic: string): void {
    const count = this.#rare.take(topic.split('/')[3] ?? '');
    if (count > 0) this.#options.log.warn({ err: error, topic, count }, 'an answer to a command was left');
  }
}
