import { openSync, readFileSync, writeSync } from 'node:fs';

/** What a gateway made of one picture. */
export type Made = {
  /** Of the gateway, as no other of its answers has it. */
  readonly number: number;
  /** Of its ciphertext. */
  readonly digest: string;
  /** As its gateway dated it. */
  readonly frameMs: number;
  /** By the right clock. */
  readonly madeMs: number;
  /** Its first number in the gateway's sequence; null where it never got one. */
  place: string | null;
  /** Whether the outbox promised to keep it; null where the process was killed before it said so: then it may be there or not. */
  isKept: boolean | null;
  /** When its gateway heard that it came, by the right clock; null where it never did. */
  receiptMs: number | null;
};

export type Ledger = {
  readonly made: readonly Made[];
  /** How many answers were dropped and counted, by cause, as far as their process lived to say so. */
  readonly drops: Readonly<Record<string, number>>;
};

type Line = 'start' | 'made' | 'numbered' | 'signed' | 'kept' | 'refused' | 'drop' | 'receipt';

/** Lines that are with the operating system when `write` returns, so that they outlive any process. */
export class LedgerWriter {
  readonly #file: number;

  constructor(path: string) {
    this.#file = openSync(path, 'a', 0o600);
  }

  write(line: Line, ...words: readonly (string | number)[]): void {
    writeSync(this.#file, `${[line, ...words].join(' ')}\n`);
  }
}

/** Reads what a {@link LedgerWriter} wrote in all of its starts. */
export function readLedger(path: string): Ledger {
  const made = new Map<number, Made>();
  const drops: Record<string, number> = {};
  const byEnvelope = new Map<string, Made>();
  for (const line of readFileSync(path, 'utf8').split('\n')) {
    const [kind, first = '', second = '', third = '', fourth = ''] = line.split(' ');
    const one = made.get(Number(first));
    if (kind === 'made') {
      const number = Number(first);
      made.set(number, {
        ...{ number, digest: second, frameMs: Number(third), madeMs: Number(fourth) },
        ...{ place: null, isKept: null, receiptMs: null },
      });
    } else if (kind === 'numbered' && one) one.place = `${second}/${third}`;
    else if (kind === 'signed' && one) byEnvelope.set(second, one);
    else if (kind === 'receipt') {
      const received = byEnvelope.get(first);
      if (received !== undefined) received.receiptMs ??= Number(second);
    } else if (kind === 'kept' && one) one.isKept = true;
    else if (kind === 'refused' && one) one.isKept = false;
    else if (kind === 'drop') drops[second] = (drops[second] ?? 0) + Number(first);
  }
  return { made: [...made.values()], drops };
}
