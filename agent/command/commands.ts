import type { KeyObject } from 'node:crypto';
import {
  type ArgumentsOf,
  COMMAND_ID,
  type Command,
  type CommandType,
  checkArguments,
  isCommandType,
} from '#protocol/command.ts';
import { type CommandAnswer, encodeAnswer, signAnswer } from '#protocol/command-answer.ts';
import { BlindsightError } from '#protocol/errors.ts';
import type { Clock } from '#runtime/clock.ts';
import { isDiskFull } from '#runtime/disk-full.ts';
import type { Logger } from '#runtime/log.ts';
import { MinuteBudget } from '#runtime/minute-budget.ts';
import { authenticateCommand } from './authenticate-command.ts';
import type { CommandJournal } from './command-journal.ts';

/** What a command brings: a sentence, and the content that was asked for. */
export type CommandOutcome = Pick<CommandAnswer, 'message'> & Partial<Pick<CommandAnswer, 'content'>>;

/** One handler for each type. @throws Error where it cannot be done */
export type CommandHandlers = {
  /** `null`: the process is about to end, and the answer is given by the next one. */
  readonly [T in CommandType]: (given: ArgumentsOf<T>) => Promise<CommandOutcome | null>;
};

export type CommandsOptions = {
  readonly site: string;
  readonly gateway: string;
  /** Keys that the owner signs with now; each is as good as the others. */
  readonly ownerKeys: () => readonly KeyObject[];
  /** Ed25519; signs answers. */
  readonly signingKey: KeyObject;
  readonly journal: CommandJournal;
  readonly handlers: CommandHandlers;
  /** Publishes a part of an answer; rejects where there is no link, or everything ends. */
  readonly publish: (type: string, id: string, wire: Uint8Array, signal: AbortSignal) => Promise<void>;
  /** A sentence about the process that runs now, for the answer to a restart. */
  readonly started: () => string;
  readonly clock: Clock;
  readonly log: Logger;
};

type KnownCommand = Command & { readonly type: CommandType };

/** A handler that takes longer is answered for; what it does is left to end. */
const HANDLER_MS = 60_000;
/** Characters of a reason that are answered. */
const MAX_MESSAGE = 1_000;
/** Without these a command could be carried out twice, which matters for these only. */
const MUST_BE_REMEMBERED: readonly string[] = ['restart'] satisfies CommandType[];

/**
 * Carries out what the owner orders, each command once, one after the other, and answers each once: what comes again is answered with the
 * same answer. What is not an order of the owner to this gateway, or is too late, is refused with a reason, and nothing is done.
 */
export class Commands {
  readonly #options: CommandsOptions;
  readonly #budget: MinuteBudget;
  #work: Promise<void> = Promise.resolve();
  readonly #closing = new AbortController();

  private constructor(options: CommandsOptions) {
    this.#options = options;
    this.#budget = new MinuteBudget(options.clock);
  }

  /** Settles what the last process began: it restarted if that was the order, and was interrupted otherwise. */
  static async open(options: CommandsOptions): Promise<Commands> {
    const commands = new Commands(options);
    for (const { id, type, answered } of options.journal.entries) {
      if (answered) continue;
      const answer: CommandAnswer =
        type === 'restart'
          ? { status: 'done', code: null, message: options.started(), content: null }
          : failed(
              new BlindsightError('COMMAND_INTERRUPTED', `the gateway ended while it carried out ${type}`),
            );
      await commands.#keep(id, answer);
    }
    return commands;
  }

  /** What came on `command/<type>/<id>`. */
  receive(type: string, id: string, wire: Uint8Array): void {
    if (!COMMAND_ID.test(id)) return;
    this.#queue(() => this.#receive(type, id, wire));
  }

  /** A link stands: answers that nobody has heard yet are sent. */
  linkUp(): void {
    this.#queue(async () => {
      for (const { id, type, answered, sent } of this.#options.journal.entries)
        if (answered && !sent) await this.#send(type, id);
    });
  }

  /** Resolves when everything that came so far is dealt with. */
  async idle(): Promise<void> {
    await this.#work;
  }

  /** Breaks off what is being carried out or said; the next process says what is left to say. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#work;
  }

  async #receive(type: string, id: string, wire: Uint8Array): Promise<void> {
    const { journal, log } = this.#options;
    const known = journal.find(id);
    if (known !== undefined) {
      // Being carried out: its answer comes.
      if (!known.answered || !this.#budget.take('again')) return;
      return await this.#send(known.type, id);
    }
    let command: KnownCommand;
    try {
      command = this.#check(type, id, wire);
      if (!this.#budget.take('new')) return;
      await this.#begin(command);
    } catch (error) {
      const { code, message } = failed(error);
      if (!this.#budget.take('refused')) return;
      log.warn({ command: type, id, code }, `a command was refused: ${message}`);
      await this.#publish(type, id, encodeAnswer(failed(error)));
      return;
    }
    await this.#run(command);
  }

  /** @throws BlindsightError COMMAND_*: why it is not carried out */
  #check(type: string, id: string, wire: Uint8Array): KnownCommand {
    const { journal, clock } = this.#options;
    const command = authenticateCommand(wire, { ...this.#options, type, id, nowMs: clock.now() });
    if (!isCommandType(type))
      throw new BlindsightError('COMMAND_UNKNOWN', `this gateway knows no command ${type}`);
    checkArguments(type, command.arguments);
    if (journal.isForgotten(command))
      throw new BlindsightError(
        'COMMAND_REPEATED',
        'this command may have been carried out before; it was given before others that have expired since',
      );
    if (journal.isFull)
      throw new BlindsightError('COMMAND_BUSY', 'the gateway remembers as many commands as it can');
    return { ...command, type };
  }

  /** On disk before it is carried out. */
  async #begin(command: Command): Promise<void> {
    const { journal, log } = this.#options;
    try {
      await journal.begin(command);
    } catch (error) {
      if (MUST_BE_REMEMBERED.includes(command.type)) {
        journal.cancel(command.id);
        throw error;
      }
      log.warn({ err: error }, 'a command is remembered until the next start only');
    }
  }

  async #run({ type, id, arguments: given }: KnownCommand): Promise<void> {
    const { log } = this.#options;
    log.info({ command: type, id, arguments: given }, `carrying out the command ${type}`);
    const answer = await this.#handle(type, given).then(
      (outcome): CommandAnswer | null =>
        outcome === null ? null : { status: 'done', code: null, content: null, ...outcome },
      (error: unknown) => failed(error),
    );
    if (answer === null) return;
    await this.#keep(id, answer);
    await this.#send(type, id);
  }

  async #handle<T extends CommandType>(type: T, given: Command['arguments']): Promise<CommandOutcome | null> {
    const { handlers, clock } = this.#options;
    const handler = handlers[type] as (given: ArgumentsOf<T>) => Promise<CommandOutcome | null>;
    const done = new AbortController();
    const closing = this.#closing.signal;
    const late = clock.sleep(HANDLER_MS, AbortSignal.any([done.signal, closing])).then(
      () => {
        throw new BlindsightError('COMMAND_FAILED', `${type} took longer than ${HANDLER_MS / 1000} s`);
      },
      () => {
        throw new BlindsightError('COMMAND_INTERRUPTED', `the gateway ended while it carried out ${type}`);
      },
    );
    late.catch(() => {});
    try {
      return await Promise.race([handler(checkArguments(type, given)), late]);
    } finally {
      done.abort();
    }
  }

  async #keep(id: string, answer: CommandAnswer): Promise<void> {
    await this.#options.journal.answer(id, answer).catch((error: unknown) => {
      this.#options.log.warn({ err: error }, 'an answer to a command is kept until the next start only');
    });
  }

  async #send(type: string, id: string): Promise<void> {
    const { journal, log } = this.#options;
    const kept = await journal.read(id);
    const gone = new BlindsightError(
      'COMMAND_REPEATED',
      'it was answered before; the answer is kept no longer',
    );
    if (!(await this.#publish(type, id, kept ?? encodeAnswer(failed(gone))))) return;
    await journal.sent(id).catch((error: unknown) => {
      log.warn({ err: error }, 'it cannot be noted that an answer was sent');
    });
  }

  /** @returns whether the broker has it */
  async #publish(type: string, id: string, whole: Uint8Array): Promise<boolean> {
    const { site, gateway, signingKey, publish, log } = this.#options;
    try {
      for (const part of signAnswer({ site, gateway, type, id }, whole, signingKey))
        await publish(type, id, part, this.#closing.signal);
      return true;
    } catch (error) {
      log.debug({ err: error }, 'an answer to a command will be sent later');
      return false;
    }
  }

  #queue(act: () => Promise<void>): void {
    this.#work = this.#work
      .then(async () => {
        if (!this.#closing.signal.aborted) await act();
      })
      .catch((error: unknown) => {
        this.#options.log.error({ err: error }, 'a command could not be dealt with');
      });
  }
}

function failed(error: unknown): CommandAnswer & { readonly code: string } {
  const answer = (code: string, message: string) =>
    ({ status: 'failed', code, message: message.slice(0, MAX_MESSAGE), content: null }) as const;
  if (error instanceof BlindsightError) return answer(error.code, error.message);
  if (isDiskFull(error))
    return answer('DISK_FULL', 'the disk of the gateway has no room to remember the command');
  return answer('COMMAND_FAILED', error instanceof Error ? error.message : String(error));
}
