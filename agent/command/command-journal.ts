import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { COMMAND_ID } from '#protocol/command.ts';
import { type CommandAnswer, encodeAnswer } from '#protocol/command-answer.ts';
import type { Clock } from '#runtime/clock.ts';
import { ensureDirectory, writeFileAtomic } from '#runtime/files.ts';
import { parseJson } from '../parse-json.ts';

const Entry = z.object({
  id: z.string().regex(COMMAND_ID),
  type: z.string().max(32),
  expiresMs: z.number().int().nonnegative(),
  /** Its answer is on disk, and is what is said from then on. */
  answered: z.boolean(),
  /** The broker has the answer. */
  sent: z.boolean(),
});
const State = z.object({
  entries: z.array(Entry).max(1024),
  /** Nothing that expires until then is carried out: those that were forgotten because they had expired. */
  forgottenMs: z.number().int().nonnegative(),
  /** Nothing that was given until then is carried out: a damaged file lost those from before. */
  lostMs: z.number().int().nonnegative(),
});
type State = z.infer<typeof State>;

/** A command that this gateway has begun. */
export type JournalEntry = z.infer<typeof Entry>;

/** How many unexpired commands are remembered; no more are carried out until one of them expires. */
export const MAX_REMEMBERED = 32;
/** Bytes of all kept answers; beyond that the oldest go. */
export const MAX_KEPT_BYTES = 8 * 2 ** 20;
/** How long an answer that was not sent yet is kept beyond the command's expiry. */
const UNSENT_MS = 3_600_000;

const FILE = 'state.json';
const EMPTY: State = { entries: [], forgottenMs: 0, lostMs: 0 };

/**
 * Which commands were begun and what was answered, on disk: a command is carried out once, also across restarts and power cuts. An id is forgotten
 * when it has expired; the latest expiry among the forgotten bars all up to it, so that a clock that is set back brings none to life again.
 */
export class CommandJournal {
  readonly #directory: string;
  readonly #clock: Pick<Clock, 'now'>;
  #state: State;
  /** Answers that the disk has not. */
  readonly #unsaved = new Map<string, Uint8Array>();

  private constructor(directory: string, clock: Pick<Clock, 'now'>, state: State) {
    this.#directory = directory;
    this.#clock = clock;
    this.#state = state;
  }

  static async open(directory: string, clock: Pick<Clock, 'now'>): Promise<CommandJournal> {
    const text = await readFile(join(directory, FILE), 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return null;
      throw error;
    });
    const parsed = text === null ? null : State.safeParse(parseJson(text));
    const state = parsed === null ? EMPTY : parsed.success ? parsed.data : { ...EMPTY, lostMs: clock.now() };
    const journal = new CommandJournal(directory, clock, state);
    await journal.#tidy();
    return journal;
  }

  get entries(): readonly JournalEntry[] {
    return this.#state.entries;
  }

  find(id: string): JournalEntry | undefined {
    return this.#state.entries.find((entry) => entry.id === id);
  }

  /** Whether a command that is not remembered may have been carried out before. */
  isForgotten({ createdMs, expiresMs }: { readonly createdMs: number; readonly expiresMs: number }): boolean {
    const { forgottenMs, lostMs } = this.#state;
    return expiresMs <= forgottenMs || createdMs <= lostMs;
  }

  /** Whether no more can be remembered now. Forgets what has expired. */
  get isFull(): boolean {
    this.#forget();
    return this.#state.entries.length >= MAX_REMEMBERED;
  }

  /** Remembers a command before it is carried out. Remembered in memory also where the disk refuses. @throws what the disk said */
  async begin({ id, type, expiresMs }: Pick<JournalEntry, 'id' | 'type' | 'expiresMs'>): Promise<void> {
    this.#forget();
    const entry = { id, type, expiresMs, answered: false, sent: false };
    this.#state = { ...this.#state, entries: [...this.#state.entries, entry] };
    await this.#save();
  }

  /** Forgets a command that was not carried out. */
  cancel(id: string): void {
    this.#state = { ...this.#state, entries: this.#state.entries.filter((entry) => entry.id !== id) };
  }

  /** Keeps the answer of a command that was begun; in memory also where the disk refuses. @throws what the disk said */
  async answer(id: string, answer: CommandAnswer): Promise<void> {
    const bytes = encodeAnswer(answer);
    this.#unsaved.set(id, bytes);
    this.#change(id, { answered: true });
    await ensureDirectory(this.#directory);
    await writeFileAtomic(this.#path(id), bytes, { mode: 0o600 });
    await this.#save();
    this.#unsaved.delete(id);
    await this.#bound();
  }

  /** The bytes of an answer that is still kept. */
  async read(id: string): Promise<Uint8Array | null> {
    const unsaved = this.#unsaved.get(id);
    if (unsaved !== undefined) return unsaved;
    return readFile(this.#path(id)).then(
      (bytes) => new Uint8Array(bytes),
      () => null,
    );
  }

  /** The broker has the answer. */
  async sent(id: string): Promise<void> {
    this.#unsaved.delete(id);
    this.#change(id, { sent: true });
    await this.#save();
  }

  #change(id: string, change: Partial<JournalEntry>): void {
    const entries = this.#state.entries.map((entry) => (entry.id === id ? { ...entry, ...change } : entry));
    this.#state = { ...this.#state, entries };
  }

  #forget(): void {
    const now = this.#clock.now();
    const isOver = ({ expiresMs, sent }: JournalEntry) => expiresMs + (sent ? 0 : UNSENT_MS) <= now;
    const over = this.#state.entries.filter(isOver);
    if (over.length === 0) return;
    this.#state = {
      ...this.#state,
      entries: this.#state.entries.filter((entry) => !isOver(entry)),
      forgottenMs: Math.max(this.#state.forgottenMs, ...over.map(({ expiresMs }) => expiresMs)),
    };
  }

  /** Makes the folder, too: on a full disk a gateway starts without. */
  async #save(): Promise<void> {
    await ensureDirectory(this.#directory);
    await writeFileAtomic(join(this.#directory, FILE), JSON.stringify(this.#state), { mode: 0o600 });
  }

  /** Drops the oldest answers beyond the bound, and files that no entry names. */
  async #bound(): Promise<void> {
    let bytes = 0;
    const kept = new Set<string>([FILE]);
    for (const { id } of [...this.#state.entries].reverse()) {
      const size = await stat(this.#path(id)).then(
        (file) => file.size,
        () => 0,
      );
      bytes += size;
      if (size > 0 && bytes <= MAX_KEPT_BYTES) kept.add(`${id}.answer`);
    }
    for (const name of await readdir(this.#directory).catch(() => []))
      if (!kept.has(name)) await rm(join(this.#directory, name), { force: true });
  }

  /** What a power cut left half done. A full disk is no reason not to start. */
  async #tidy(): Promise<void> {
    this.#forget();
    await this.#bound();
    await this.#save().catch(() => {});
  }

  #path(id: string): string {
    return join(this.#directory, `${id}.answer`);
  }
}
