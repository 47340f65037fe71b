import { WITHHELD } from '#protocol/withheld.ts';
import { CLOCK_OFF_MS } from './clock-off.ts';
import type { Ledger, Made } from './ledger.ts';

/** A row of what the backend has settled. */
export type Settled = {
  readonly gateway: string;
  readonly session: number;
  readonly sequence: number;
  /** Of the ciphertext. */
  readonly digest: string;
  readonly withheld: string | null;
};

export type Found = {
  readonly ledgers: ReadonlyMap<string, Ledger>;
  /** How many answers each gateway says that it ever dropped. */
  readonly dropped: ReadonlyMap<string, number>;
  /** That still wait in the outbox of each. */
  readonly waiting: ReadonlyMap<string, number>;
  readonly settled: readonly Settled[];
  /** Of the backend. */
  readonly counters: Readonly<Record<string, number>>;
  /** When its clock was far off, as far as anybody looked. */
  readonly backendOffMs: readonly number[];
};

export type Account = {
  readonly made: number;
  /** Made, and their process was killed before the outbox promised anything. */
  readonly unpromised: number;
  readonly stored: number;
  /** Stored without an answer, by reason. */
  readonly withheld: Readonly<Record<string, number>>;
  /** Dropped and counted by the outbox, or refused by the disk and counted. */
  readonly dropped: number;
  /** Of those that were promised, how many are not stored: what was dropped, refused or lost. */
  readonly missing: number;
  /** Not stored, and dated by a clock that was far off, no more than the backend counted as refused for their date. */
  readonly refused: number;
  /** Promised, and nowhere: not stored, not counted, not waiting. */
  readonly lost: readonly string[];
  /** Stored or counted more than once, or never made. */
  readonly twice: readonly string[];
  /** Other things that must not be. */
  readonly wrong: readonly string[];
};

/** Nothing is stored of these, but each is counted: a gateway whose clock is wrong loses them by rule. */
const BY_DATE = ['refused.future', 'refused.too-old', 'refused.too-many'];
/** How long a process may be too busy to look at its clock. */
const BUSY_MS = 5_000;
/** These come again. */
const TO_COME_AGAIN = ['refused.inbox-full', 'refused.site-full', 'refused.disk-full'];

/** Where each answer that was ever made has gone. */
export function account({ ledgers, dropped, waiting, settled, counters, backendOffMs }: Found): Account {
  const rows = Map.groupBy(settled, ({ gateway, digest }) => `${gateway}/${digest}`);
  const known = new Set<string>();
  const missing: { readonly gateway: string; readonly made: Made }[] = [];
  let made = 0;
  let unpromised = 0;
  for (const [gateway, ledger] of ledgers) {
    for (const one of ledger.made) {
      made++;
      known.add(`${gateway}/${one.digest}`);
      if (one.isKept === null) unpromised++;
      if (one.isKept === true && !rows.has(`${gateway}/${one.digest}`)) missing.push({ gateway, made: one });
    }
  }
  const twice = [...rows].flatMap(([key, [first, ...others]]) => {
    const places = others.map(({ session, sequence }) => `${session}/${sequence}`);
    if (!known.has(key)) return [`${key} at ${first!.session}/${first!.sequence} was never made`];
    return others.length > 0 ? [`${key} at ${first!.session}/${first!.sequence} and ${places}`] : [];
  });
  const answers = settled.filter(({ withheld }) => withheld === null || Object.hasOwn(WITHHELD, withheld));
  const counted = (counters.accepted ?? 0) + (counters.withheld ?? 0);
  if (counted !== answers.length) twice.push(`${counted} counted, ${answers.length} stored`);
  // Copies of a refused answer are refused and counted, too: the count is only the most that may have been.
  const counts = BY_DATE.reduce((all, name) => all + (counters[name] ?? 0), 0);
  const lost: string[] = [];
  let refused = 0;
  for (const [gateway, of] of Map.groupBy(missing, (one) => one.gateway)) {
    // What the outbox counted beside those that its disk refused.
    const own = ledgers.get(gateway)!.made.filter(({ isKept }) => isKept === false).length;
    const explained = Math.max(0, (dropped.get(gateway) ?? 0) - own + (waiting.get(gateway) ?? 0));
    // No outbox drops what it has a receipt for, and nothing is refused that got none.
    const received = of.filter(({ made: one }) => one.receiptMs !== null);
    const unreceived = of.filter(({ made: one }) => one.receiptMs === null);
    const off = received.filter(({ made: one }) => isDatedWrong(one, backendOffMs));
    const excused = new Set(off.slice(0, counts - refused));
    refused += excused.size;
    const unexplained = [...received.filter((one) => !excused.has(one)), ...unreceived.slice(explained)];
    lost.push(...unexplained.map(({ made: one }) => `${gateway} ${one.place ?? '?'} (${one.number})`));
  }
  const wrong = Object.entries(counters)
    .filter(([name, value]) => name.startsWith('refused.') && value > 0)
    .filter(([name]) => !BY_DATE.includes(name) && !TO_COME_AGAIN.includes(name))
    .map(([name, value]) => `${value} × ${name}`);
  for (const [gateway, count] of waiting)
    if (count > 0) wrong.push(`${count} answers of ${gateway} never got a receipt`);
  for (const [gateway, ledger] of ledgers) {
    const own = ledger.made.filter(({ isKept }) => isKept === false).length;
    const said = dropped.get(gateway) ?? 0;
    if (said < own) wrong.push(`the disk of ${gateway} refused ${own} answers, and ${said} are counted`);
  }
  const reasons = Map.groupBy(
    settled.filter(({ withheld }) => withheld !== null),
    (one) => one.withheld!,
  );
  return {
    ...{ made, unpromised, stored: rows.size, missing: missing.length, refused, lost, twice, wrong },
    withheld: Object.fromEntries([...reasons].map(([reason, list]) => [reason, list.length])),
    dropped: [...dropped.values()].reduce((all, one) => all + one, 0),
  };
}

/** Whether the clock of its gateway was far off when it was made, or that of the backend before its receipt was there. */
function isDatedWrong({ frameMs, madeMs, receiptMs }: Made, backendOffMs: readonly number[]): boolean {
  if (Math.abs(frameMs - madeMs) > CLOCK_OFF_MS) return true;
  const [fromMs, toMs] = [madeMs - BUSY_MS, (receiptMs ?? Number.POSITIVE_INFINITY) + BUSY_MS];
  return backendOffMs.some((ms) => ms >= fromMs && ms <= toMs);
}
