import { BlindsightError } from '#protocol/errors.ts';
import { SECRETS } from '../sealing/identities.ts';
import type { Vault } from '../sealing/vault.ts';
import { AUTHORITY_CERTIFICATE } from '../site.ts';
import type { Store } from '../store/store.ts';
import { Authority } from './authority.ts';

/** Unseals the authority of the installation. @throws BlindsightError SITE_MISSING, SECRET_MISSING, SECRET_TAMPERED. */
export async function openAuthority(store: Store, vault: Vault): Promise<Authority> {
  const certificate = await store.settings.get(AUTHORITY_CERTIFICATE);
  if (certificate === null) throw new BlindsightError('SITE_MISSING', 'the store holds no authority');
  const key = await vault.fetch(store, SECRETS.authorityKey);
  try {
    return new Authority(certificate, Buffer.from(key).toString('utf8'));
  } finally {
    key.fill(0);
  }
}
