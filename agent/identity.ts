import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import type { AgentConfig } from '#config/schema.ts';
import { BlindsightError } from '#protocol/errors.ts';
import { readPublicFile, readSecretFile } from '#runtime/files.ts';

/** Keys of a gateway: its own, which signs answers, and the owner's, which signs bundles. */
export type Identity = { readonly signingKey: KeyObject; readonly ownerKey: KeyObject };

function ed25519(path: string, setting: string, make: () => KeyObject): KeyObject {
  let key: KeyObject;
  try {
    key = make();
  } catch (cause) {
    throw new BlindsightError('FILE_UNREADABLE', `${path} (${setting}) is not a key in PEM form`, { cause });
  }
  if (key.asymmetricKeyType === 'ed25519') return key;
  throw new BlindsightError(
    'FILE_UNREADABLE',
    `${path} (${setting}) holds a ${key.asymmetricKeyType} key, expected Ed25519`,
  );
}

/** @throws BlindsightError FILE_UNREADABLE or SECRET_EXPOSED, with the path */
export async function readIdentity(paths: AgentConfig['identity']): Promise<Identity> {
  const secret = await readSecretFile(paths.signingKey);
  const owner = await readPublicFile(paths.ownerKey);
  return {
    signingKey: ed25519(paths.signingKey, 'identity.signingKey', () => createPrivateKey(secret)),
    ownerKey: ed25519(paths.ownerKey, 'identity.ownerKey', () => createPublicKey(owner)),
  };
}
