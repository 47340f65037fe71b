import type { BackendConfig } from '#config/schema.ts';
import type { Result } from '#protocol/messages.ts';
import { toldShares } from '#protocol/told-shares.ts';
import type { AnswerFollower } from '../follow/answer-follower.ts';
import type { SettledAnswer } from '../store/feed.ts';
import { RollUp } from '../store/roll-up.ts';
import { ROLL_UP_LEVELS, ROLL_UP_MS, type RollUpLevel } from '../store/roll-up-level.ts';
import type { RollUpLine } from '../store/roll-ups.ts';
import type { Store } from '../store/store.ts';
import { HeldEvents } from './held-events.ts';

/** Slots kept in memory, so that not each batch reads them again. */
const MAX_KEPT = 4096;
/** Of one transaction: writers wait for it. */
const REMOVED = 5000;
const ROLLED = 2000;
const HOUR_MS = 3_600_000;
/** So long after its end a slot still counts as open. */
const LATE_MS = 30_000;

type Slot = {
  readonly level: RollUpLevel;
  readonly start: number;
  readonly line: number;
  readonly rollUp: RollUp;
  readonly isOpen: boolean;
  isWritten: boolean;
};

/**
 * Adds answers up by minute, hour and day as they come, each in the slot of its picture, however late it is. While time passes it also forgets what is
 * too old, adds up what was stored before there were roll-ups, and notes the counters of each hour: some at a time.
 */
export class RollUps implements AnswerFollower {
  readonly name = 'the history';
  readonly #days: BackendConfig['history'];
  readonly #slots = new Map<string, Slot>();
  readonly #lines = new Map<string, RollUpLine>();
  readonly #changedLines = new Set<string>();
  readonly #held = new HeldEvents();
  /** When to look for what is too old, ms since the epoch. */
  #cleanMs = 0;
  #isBuilt = false;
  /** The first minute that is open, as far as others were closed. */
  #closedTo = -1;

  /** @param days how long each level is kept */
  constructor(days: BackendConfig['history']) {
    this.#days = days;
  }

  async take(inside: Store, batch: readonly SettledAnswer[], nowMs: number): Promise<void> {
    for (const answer of batch) await this.#add(inside, answer, nowMs);
    await this.#write(inside);
  }

  async tick(inside: Store, nowMs: number): Promise<void> {
    await inside.counters.noteHour(Math.floor(nowMs / HOUR_MS));
    await this.#close(inside, nowMs);
    await this.#forgetSome(inside, nowMs);
    await this.#buildSome(inside, nowMs);
  }

  reset(): void {
    this.#slots.clear();
    this.#lines.clear();
    this.#changedLines.clear();
    this.#held.forget();
    this.#isBuilt = false;
    this.#cleanMs = 0;
    this.#closedTo = -1;
  }

  committed(): void {}

  async #add(inside: Store, answer: SettledAnswer, nowMs: number): Promise<void> {
    const { camera, frameMs, withheld } = answer;
    if (withheld !== null) {
      const line = await this.#line(inside, { camera, region: '', model: '', task: 'withheld' }, frameMs);
      await this.#addTo(inside, line, frameMs, nowMs, new Map());
    }
    for (const result of await this.#held.resultsOf(inside, answer)) {
      const { region = '', model, task = 'classification' } = result;
      const told = toldShares(result);
      const line = await this.#line(inside, { camera, region, model, task }, frameMs, result);
      const labels = Object.entries(told).map(
        ([label, value]) => [line.labels.indexOf(label), { value, held: holds(result, label) }] as const,
      );
      await this.#addTo(inside, line, frameMs, nowMs, new Map(labels));
    }
  }

  async #addTo(
    inside: Store,
    { id }: RollUpLine,
    frameMs: number,
    nowMs: number,
    told: Parameters<RollUp['add']>[0],
  ): Promise<void> {
    for (const level of ROLL_UP_LEVELS) {
      const start = Math.floor(frameMs / ROLL_UP_MS[level]);
      if (start < this.#oldestKept(level, nowMs)) continue;
      const key = `${level}/${start}/${id}`;
      let slot = this.#slots.get(key);
      if (slot === undefined) {
        const place = { level, start, line: id };
        const isOpen = start >= firstOpen(level, nowMs);
        const known = (await inside.rollUps.get(place)) ?? { rollUp: new RollUp(), isOpen };
        slot = { ...place, ...known, isWritten: false };
        this.#slots.set(key, slot);
      }
      slot.rollUp.add(told);
      slot.isWritten = false;
    }
  }

  /** The line of a result, with all of its labels. */
  async #line(
    inside: Store,
    about: Pick<RollUpLine, 'camera' | 'region' | 'model' | 'task'>,
    frameMs: number,
    result?: Result,
  ): Promise<RollUpLine> {
    const key = lineKey(about);
    // One that is in use is never forgotten, because its newest day is written.
    if (this.#lines.size === 0)
      for (const line of await inside.rollUps.lines()) this.#lines.set(lineKey(line), line);
    const day = Math.floor(frameMs / ROLL_UP_MS.day);
    const told = result === undefined ? [] : Object.keys(toldShares(result));
    const known = this.#lines.get(key);
    if (known === undefined) {
      const made = { ...about, output: result?.output ?? null, labels: told, newestDay: day };
      const line = { ...made, id: await inside.rollUps.addLine(made) };
      this.#lines.set(key, line);
      return line;
    }
    const added = told.filter((label) => !known.labels.includes(label));
    const output = result === undefined || result.historical ? known.output : (result.output ?? null);
    if (added.length === 0 && output === known.output && day <= known.newestDay) return known;
    const newestDay = Math.max(day, known.newestDay);
    const line = { ...known, output, labels: [...known.labels, ...added], newestDay };
    this.#lines.set(key, line);
    this.#changedLines.add(key);
    return line;
  }

  async #write(inside: Store): Promise<void> {
    for (const key of this.#changedLines) await inside.rollUps.setLine(this.#lines.get(key)!);
    this.#changedLines.clear();
    const changed = [...this.#slots.values()].filter(({ isWritten }) => !isWritten);
    await inside.rollUps.put(changed);
    for (const slot of changed) slot.isWritten = true;
    if (this.#slots.size > MAX_KEPT) this.#slots.clear();
  }

  #oldestKept(level: RollUpLevel, nowMs: number): number {
    const days = { minute: this.#days.minuteDays, hour: this.#days.hourDays, day: this.#days.dayDays }[level];
    return Math.floor((nowMs - days * ROLL_UP_MS.day) / ROLL_UP_MS[level]);
  }

  async #close(inside: Store, nowMs: number): Promise<void> {
    const minute = firstOpen('minute', nowMs);
    if (minute === this.#closedTo) return;
    for (const level of ROLL_UP_LEVELS) await inside.rollUps.close(level, firstOpen(level, nowMs));
    // Where they are is read again.
    this.#slots.clear();
    this.#closedTo = minute;
  }

  async #forgetSome(inside: Store, nowMs: number): Promise<void> {
    // Far ahead of the clock where it was set back.
    if (nowMs < this.#cleanMs && this.#cleanMs - nowMs <= HOUR_MS) return;
    for (const level of ROLL_UP_LEVELS)
      if (await inside.rollUps.removeSomeBefore(level, this.#oldestKept(level, nowMs), REMOVED)) return;
    const { minuteDays, hourDays, dayDays } = this.#days;
    const today = Math.floor(nowMs / ROLL_UP_MS.day);
    const oldest = today - Math.ceil(Math.max(minuteDays, hourDays, dayDays)) - 1;
    if ((await inside.rollUps.removeLinesBefore(oldest)) > 0) this.#lines.clear();
    this.#cleanMs = nowMs + HOUR_MS;
  }

  /** Adds up answers from before there were roll-ups, the newest first. Where it stands is durable with what it made. */
  async #buildSome(inside: Store, nowMs: number): Promise<void> {
    if (this.#isBuilt) return;
    const beforeMs = Number((await inside.settings.get(BUILT_BEFORE)) ?? '0');
    if (beforeMs > 0) {
      const { answers, sinceMs } = await inside.feed.storedBefore(beforeMs, ROLLED);
      this.#held.forget();
      for (const answer of answers) await this.#add(inside, answer, nowMs);
      this.#held.forget();
      await this.#write(inside);
      await inside.settings.set(BUILT_BEFORE, `${sinceMs}`);
      if (sinceMs > 0) return;
      const message = 'the answers from before are in the history by minute, hour and day';
      const entry = {
        timeMs: nowMs,
        level: 'info',
        code: 'HISTORY_BUILT',
        subject: 'history',
        message,
      } as const;
      await inside.journal.add(entry);
    }
    this.#isBuilt = true;
  }
}

/** In the settings of the store: answers stored before this time, ms, are not in roll-ups yet; 0 where all are. Set by the migration that makes these. */
const BUILT_BEFORE = 'history.built-before';

/** The first slot that is open: most answers come within seconds of their picture. */
function firstOpen(level: RollUpLevel, nowMs: number): number {
  return Math.floor((nowMs - LATE_MS) / ROLL_UP_MS[level]);
}

function lineKey({
  camera,
  region,
  model,
  task,
}: Pick<RollUpLine, 'camera' | 'region' | 'model' | 'task'>): string {
  return `${camera}/${region}/${task}/${model}`;
}

function holds({ label, labels, counts }: Result, name: string): boolean {
  return counts === undefined ? label === name || labels?.includes(name) === true : (counts[name] ?? 0) > 0;
}
