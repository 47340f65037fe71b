import { type Clock, systemClock } from '#runtime/clock.ts';
import { SECRETS } from '../sealing/identities.ts';
import { type Anchored, auditKey, makeAuditKey, writeCheckpoint } from './checkpoint.ts';

/**
 * Signs the audit log as it is now, whatever was signed before: after a restore, or once its owner has looked into a damage. Entries that do not fit together stay
 * as they are, and are found again by each verification.
 */
export async function acceptAudit(site: Anchored, clock: Clock = systemClock): Promise<void> {
  const { store, vault } = site;
  const timeMs = clock.now();
  if ((await store.secrets.get(SECRETS.auditKey)) === null) await makeAuditKey(store, vault, timeMs);
  const key = await auditKey(site, timeMs);
  if (key === null) return;
  await store.audit.locked(async (audit) => writeCheckpoint(site, key, await audit.head(), timeMs));
}
