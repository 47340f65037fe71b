import { NAME_PATTERN } from '#protocol/topics.ts';

/** An envelope that waits on disk. Order, camera, number of answers and digest are in the file name, so that a start reads no contents. */
export type Entry = {
  session: number;
  sequence: number;
  /** The first one that it is about. */
  readonly camera: string;
  /** How many answers it is: one of each camera that it is about. */
  readonly answers: number;
  /** SHA-256, hex, of the signed envelope: the name that a receipt uses for it. */
  digest: string;
  bytes: number;
  /** Of these, those of its opening, which lies elsewhere. */
  readonly openingBytes: number;
  /** SHA-256, hex, of its ciphertext: the name of its opening. Null where it has none, or an earlier process stored it. */
  readonly answer: string | null;
  /** An earlier process stored it. */
  readonly former: boolean;
  /** Milliseconds since the epoch when it was stored. */
  readonly storedMs: number;
  /** Whether the signed envelope says that it waited; null if it was stored by an earlier process. */
  historical: boolean | null;
  /** This process published it: from then on it is only resent byte for byte. */
  sent: boolean;
};

const FILE = /^(\d{10})-(\d{12})-([0-9a-f]{64})\.([a-z0-9-]{1,32})(?:\.([2-9]|[1-9]\d))?\.envelope$/;

type Named = Pick<Entry, 'session' | 'sequence' | 'camera' | 'digest' | 'answers'>;

/** File name of an entry; names sort as (session, sequence). The number of answers is in it where it is not 1. */
export function entryFile(entry: Named): string {
  const session = String(entry.session).padStart(10, '0');
  const sequence = String(entry.sequence).padStart(12, '0');
  const answers = entry.answers === 1 ? '' : `.${entry.answers}`;
  return `${session}-${sequence}-${entry.digest}.${entry.camera}${answers}.envelope`;
}

/** Inverse of {@link entryFile}, or null for any other file. */
export function parseEntryFile(name: string): Named | null {
  const match = FILE.exec(name);
  if (match === null || !NAME_PATTERN.test(match[4]!)) return null;
  const [session, sequence, answers] = [match[1], match[2], match[5] ?? 1].map(Number) as [
    number,
    number,
    number,
  ];
  return { session, sequence, digest: match[3]!, camera: match[4]!, answers };
}
