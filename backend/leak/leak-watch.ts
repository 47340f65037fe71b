import { outputsOf } from '#fhe';
import { leakOfHonestAnswer } from '#fhe/secret';
import { BlindsightError } from '#protocol/errors.ts';
import type { Clock } from '#runtime/clock.ts';
import type { Logger } from '#runtime/log.ts';
import type { LeakAccount, LeakKey, LeakState, LeakSum } from '../store/leaks.ts';
import type { Store } from '../store/store.ts';
import { keyBits, unnoticedAnswers } from './leak-bits.ts';

export type LeakWatchOptions = {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
  readonly onChange: () => void;
  /** Gives a network of a gateway new keys and releases them, for a reason; null where nothing can. */
  readonly reprotect: ((gateway: string, reason: string, model: string) => Promise<unknown>) | null;
};

const LOOK_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Parts of a key's bits at which its owner is told, and at which it is replaced. */
const WARNING_PART = 1 / 4;
const SPENT_PART = 1 / 2;

/**
 * The account of each key: how many of its bits published answers may have told somebody who lies and reads them. Counted is what the most successful strategy can
 * expect ({@link unnoticedAnswers}), with what each answer can tell; answers that nobody audits count fully. At a quarter of the key's N · log2(3) bits the owner is told,
 * at half of them the gateway gets another key.
 *
 * At the default settings (share 2 %, steps of 5 %) no more than 18.2 answers slip through in the mean, however many there are: of `counter` (two labels) with at most 6.0
 * bits each, 109 bits in all; of `e2dm` and `cifar` (ten labels) with at most 27.7 each, 504 in all. Answers travel in a ring of degree N = 2048, where half of a key
 * is 1623 bits. To that comes what honest answers about chosen pictures tell ({@link leakOfHonestAnswer}): at ten answers a second 49 bits a day for two labels, 243 for ten, so that
 * such a key lasts a month or five days, and at one a second ten times as long; of a map of 660 cells they tell 8 000 bits a day at five a second, so that a key lasts five hours. Without audits a `counter` at ten answers a second tells as many in 27 seconds.
 */
export class LeakWatch {
  readonly #options: LeakWatchOptions;

  constructor(options: LeakWatchOptions) {
    this.#options = options;
  }

  /** Looks each minute until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#options;
    while (!signal.aborted) {
      await this.look().catch((error: unknown) =>
        log.warn(
          { err: error },
          'what answers told about keys could not be added up; tried again in a minute',
        ),
      );
      await clock.sleep(LOOK_MS, signal).catch(() => {});
    }
  }

  /** Adds up, tells what has changed, and replaces what is spent. */
  async look(): Promise<void> {
    const { store } = this.#options;
    const known = new Map((await store.leaks.accounts()).map((one) => [nameOf(one), one]));
    const silent = new Map(
      (await store.challenges.counts()).map(({ gateway, missing }) => [gateway, missing]),
    );
    for (const sums of Map.groupBy(await store.leaks.sums(), nameOf).values()) {
      const before = known.get(nameOf(sums[0]!));
      if (before?.state !== 'replaced') await this.#lookAt(sums, before, silent.get(sums[0]!.gateway) ?? 0);
    }
  }

  async #lookAt(sums: readonly LeakSum[], before: LeakAccount | undefined, silent: number): Promise<void> {
    const { store, clock, onChange } = this.#options;
    const { gateway, model, version, number } = sums[0]!;
    const record = await store.models.get(model, version);
    if (record === null) return;
    const limit = keyBits(2 * record.interpretation.expected.length);
    const silentBefore = before?.silentBefore ?? silent;
    const { interpretation } = record;
    const outputs = outputsOf(interpretation) * (interpretation.regions ?? 1);
    const leaked = leakedBits(sums, silent - silentBefore, outputs);
    const state: LeakState =
      leaked.bits >= limit * SPENT_PART ? 'spent' : leaked.bits >= limit * WARNING_PART ? 'warning' : 'safe';
    const account: LeakAccount = {
      ...{ gateway, model, version, number, state, limit, silentBefore },
      bits: leaked.bits,
      ...pace(before, leaked.bits, clock.now()),
      orderedMs: before?.orderedMs ?? null,
    };
    await store.leaks.put(account);
    const isUnaudited = leaked.unaudited * 2 >= leaked.bits;
    if (state !== (before?.state ?? 'safe')) {
      await this.#tell(account, isUnaudited);
      onChange();
    }
    if (state === 'spent' && !isUnaudited) await this.#replace(account);
  }

  async #tell(account: LeakAccount, isUnaudited: boolean): Promise<void> {
    const { store, clock, log } = this.#options;
    const { gateway, model, version, state, bits, limit } = account;
    if (state !== 'warning' && state !== 'spent') return;
    const code = state === 'spent' ? 'LEAK_LIMIT' : 'LEAK_WARNING';
    const next = isUnaudited
      ? 'most of them were not audited, so other keys would be spent as soon: turn audits on (audit.share), let less out (model output), or give it new keys yourself'
      : state === 'spent'
        ? 'it gets other keys'
        : 'at half of them it gets other keys';
    const message = `answers of ${gateway} may have told ${Math.round(bits)} of the ${Math.round(limit)} bits of its key for ${model} version ${version}; ${next}`;
    log.warn({ gateway, code }, message);
    await store.journal.add({
      ...{ timeMs: clock.now(), level: state === 'spent' ? 'error' : 'warn', code },
      ...{ subject: gateway, message },
    });
  }

  /** At most once an hour for each gateway, whatever comes of it. */
  async #replace(account: LeakAccount): Promise<void> {
    const { store, clock, log, reprotect, onChange } = this.#options;
    const { gateway } = account;
    const nowMs = clock.now();
    const orders = (await store.leaks.accounts()).filter((one) => one.gateway === gateway);
    const lastMs = Math.max(...orders.map(({ orderedMs }) => orderedMs ?? Number.NEGATIVE_INFINITY));
    if (reprotect === null || nowMs - lastMs < HOUR_MS) return;
    await store.leaks.put({ ...account, orderedMs: nowMs });
    try {
      await reprotect(gateway, 'answers may have told half of its key', account.model);
      await store.leaks.put({ ...account, orderedMs: nowMs, state: 'replaced' });
    } catch (error) {
      const code = error instanceof BlindsightError ? error.code : 'WORKER_FAILED';
      log.error({ gateway, code, err: error }, `${gateway} did not get other keys; tried again in an hour`);
    }
    onChange();
  }
}

function nameOf({ gateway, model, version, number }: LeakKey): string {
  return `${gateway} ${model} ${version} ${number}`;
}

/**
 * What answers may have told: dishonest ones that slipped through, and honest ones about pictures that were chosen for it. `unaudited`: the part of answers that nobody
 * audits, which count fully.
 *
 * @param outputs of one answer, of all its regions
 */
export function leakedBits(
  sums: readonly LeakSum[],
  silences: number,
  outputs: number,
): { readonly bits: number; readonly unaudited: number } {
  let bits = 0;
  let unaudited = 0;
  // Silences are of any of them: they count once, with the lowest probability.
  const audited = sums.filter(({ share }) => share > 0).sort((a, b) => a.share - b.share);
  for (const sum of sums) {
    const unnoticed = unnoticedAnswers(sum.answers, sum.share, sum === audited[0] ? silences : 0);
    const leaked = Math.min(toldBits(sum), unnoticed * sum.most);
    bits += leaked;
    if (sum.share === 0) unaudited += leaked;
    else bits += sum.answers * leakOfHonestAnswer(outputs);
  }
  return { bits, unaudited };
}

/** What answers told together, and by which of them told anything: log2 of n over k is at most k · log2(e n / k). */
function toldBits({ answers, telling, bits }: LeakSum): number {
  if (telling === 0 || telling === answers) return bits;
  return bits + telling * Math.log2((Math.E * answers) / telling);
}

/** Bits in a day, by the last one; a new key tells after an hour. */
function pace(
  before: LeakAccount | undefined,
  bits: number,
  nowMs: number,
): Pick<LeakAccount, 'perDay' | 'dayMs' | 'dayBits'> {
  if (before === undefined) return { perDay: null, dayMs: nowMs, dayBits: bits };
  const { dayMs, dayBits, perDay } = before;
  const elapsedMs = nowMs - dayMs;
  const measured = ((bits - dayBits) * DAY_MS) / elapsedMs;
  if (elapsedMs >= DAY_MS) return { perDay: measured, dayMs: nowMs, dayBits: bits };
  // Before a first day is over, by what there is of it.
  return {
    perDay: elapsedMs >= HOUR_MS && dayBits <= before.bits && perDay === null ? measured : perDay,
    dayMs,
    dayBits,
  };
}
