import { SECRETS } from '../sealing/identities.ts';
import { type AuditEntry, hashEntry, NO_HEAD } from '../store/audit.ts';
import { type Anchored, auditKey, CHECKPOINT_FILE, type Checkpoint, readCheckpoint } from './checkpoint.ts';

const PAGE = 2_000;

/** `changed`: an entry is not what was written; `missing`: entries are gone; `cut off`: those at the end are gone; `unsigned`: nothing says where the end was. */
export type AuditDamage = {
  readonly kind: 'changed' | 'missing' | 'cut off' | 'unsigned';
  /** The first entry that is not right. */
  readonly seq: number;
  readonly message: string;
};

export type VerifiedAudit = {
  readonly entries: number;
  /** SHA-256 of the last entry, and with it of all; hex. */
  readonly head: string;
  readonly signed: Checkpoint | null;
  /** Null where everything is as it was written. */
  readonly damage: AuditDamage | null;
};

export type VerifyOptions = {
  /** What was noted elsewhere, as `audit verify` printed it. */
  readonly expected?: { readonly seq: number; readonly hash: string };
  readonly onProgress?: (share: number) => void;
};

/** Reads the entire audit log once, in pages, and checks each entry, the chain, and where it ends. Others may add entries meanwhile. */
export async function verifyAudit(
  site: Anchored,
  { expected, onProgress = () => {} }: VerifyOptions = {},
): Promise<VerifiedAudit> {
  const { audit, secrets } = site.store;
  // First, so that it is never newer than the entries that are read.
  const hasKey = (await secrets.identities()).includes(SECRETS.auditKey);
  const key = hasKey ? await auditKey(site, 0) : null;
  const state = await readCheckpoint(site, key);
  const signed = state.kind === 'signed' ? state.checkpoint : null;
  const anchors = [signed, expected].filter((one) => one !== null && one !== undefined);
  const { seq: last } = await audit.head();
  let head = NO_HEAD;
  const result = (damage: AuditDamage | null): VerifiedAudit => ({
    ...{ entries: head.seq, head: hex(head.hash), signed, damage },
  });
  for (;;) {
    const page = await audit.after(head.seq, PAGE);
    for (const entry of page) {
      const damage = damageOf(entry, head.seq, head.hash);
      if (damage !== null) return result(damage);
      head = entry;
      if (anchors.some(({ seq, hash }) => seq === entry.seq && hash !== hex(entry.hash)))
        return result(rewritten(entry.seq));
    }
    onProgress(last === 0 ? 1 : Math.min(1, head.seq / last));
    if (page.length < PAGE) break;
  }
  const furthest = Math.max(0, ...anchors.map(({ seq }) => seq));
  if (furthest > head.seq) return result(cutOff(head.seq, furthest));
  if (head.seq > 0 && signed === null) return result(unsigned(head.seq, state.kind));
  return result(null);
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

function damageOf(entry: AuditEntry, lastSeq: number, lastHash: Uint8Array): AuditDamage | null {
  const { seq } = entry;
  if (seq !== lastSeq + 1) {
    const gone = seq - 1 === lastSeq + 1 ? `entry ${seq - 1} is` : `entries ${lastSeq + 1} to ${seq - 1} are`;
    return { kind: 'missing', seq: lastSeq + 1, message: `${gone} missing` };
  }
  if (Buffer.compare(hashEntry(entry), entry.hash) !== 0)
    return { kind: 'changed', seq, message: `entry ${seq} was changed` };
  if (Buffer.compare(entry.previous, lastHash) === 0) return null;
  if (lastSeq === 0)
    return { kind: 'missing', seq: 1, message: 'what was before the first entry is missing' };
  const message = `entry ${lastSeq} was replaced: it is not the one that entry ${seq} followed`;
  return { kind: 'changed', seq: lastSeq, message };
}

function rewritten(seq: number): AuditDamage {
  const message = `the log was rewritten at or before entry ${seq}: it fits together, but it is not the one that was noted`;
  return { kind: 'changed', seq, message };
}

function cutOff(last: number, signed: number): AuditDamage {
  const gone = signed === last + 1 ? `entry ${signed} was` : `entries ${last + 1} to ${signed} were`;
  return { kind: 'cut off', seq: last + 1, message: `${gone} cut off at the end` };
}

function unsigned(seq: number, kind: 'missing' | 'forged' | 'signed'): AuditDamage {
  const message =
    kind === 'missing'
      ? `${CHECKPOINT_FILE} is missing: the entries fit together, but whether some were cut off at the end cannot be said`
      : `${CHECKPOINT_FILE} is not signed by this site: the entries fit together, but whether some were cut off at the end cannot be said`;
  return { kind: 'unsigned', seq, message };
}
