import { NAME_PATTERN } from '#protocol/topics.ts';

/** An envelope that waits on disk. Order, camera and digest are in the file name, so that a start reads no contents. */
export type Entry = {
  session: number;
  sequence: number;
  /** The first one that it is about. */
  readonly camera: string;
  /** How many answers it is: one of each camera that it is about. Null where an earlier process stored it. */
  readonly answers: number | null;
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

const FILE = /^(\d{10})-(\d{12})-([0-9a-f]{64})\.([a-z0-9-]{1,32})\.envelope$/;

/** File name of an entry; names sort as (session, sequence). */
export function entryFile(entry: Pick<Entry, 'session' | 'sequence' | 'camera' | 'digest'>): string {
  const session = String(entry.session).padStart(10, '0');
  const sequence = String(entry.sequence).padStart(12, '0');
  return `${session}-${sequence}-${entry.digest}.${entry.camera}.envelope`;
}

/** Inverse of {@link entryFile}, or null for any other file. */
export function parseEntryFile(
  name: string,
): Pick<Entry, 'session' | 'sequence' | 'camera' | 'digest'> | null {
  const match = FILE.exec(name);
  if (match === null || !NAME_PATTERN.test(match[4]!)) return null;
  return { session: Number(match[1]), sequence: Number(match[2]), digest: match[3]!, camera: match[4]! };
}
