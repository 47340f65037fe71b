import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import type { AgentConfig } from '#config/schema.ts';
import { BlindsightError } from '#protocol/errors.ts';
import { readPublicFile, readSecretFile } from '#runtime/files.ts';

/** Keys of a gateway: its own, which sign answers and open credentials, and the owner's, which signs bundles and configurations. */
export type Identity = {
  readonly signingKey: KeyObject;
  readonly ownerKey: KeyObject;
  /** Null if the gateway was enrolled before its site had a root key. */
  readonly rootKey: KeyObject | null;
  /** X25519; null if the gateway was enrolled before this key existed. */
  readonly sealingKey: KeyObject | null;
};

function readKey(
  kind: 'ed25519' | 'x25519',
  path: string,
  setting: string,
  make: () => KeyObject,
): KeyObject {
  let key: KeyObject;
  try {
    key = make();
  } catch (cause) {
    throw new BlindsightError('FILE_UNREADABLE', `${path} (${setting}) is not a key in PEM form`, { cause });
  }
  if (key.asymmetricKeyType === kind) return key;
  throw new BlindsightError(
    'FILE_UNREADABLE',
    `${path} (${setting}) holds a ${key.asymmetricKeyType} key, expected ${kind === 'ed25519' ? 'Ed25519' : 'X25519'}`,
  );
}

/** @throws BlindsightError FILE_UNREADABLE or SECRET_EXPOSED, with the path */
export async function readIdentity(paths: AgentConfig['identity']): Promise<Identity> {
  const secret = await readSecretFile(paths.signingKey);
  const owner = await readPublicFile(paths.ownerKey);
  const { sealingKey: sealing, rootKey: root } = paths;
  const rootPem = root === undefined ? null : await readPublicFile(root);
  const sealed = sealing === undefined ? null : await readSecretFile(sealing);
  return {
    signingKey: readKey('ed25519', paths.signingKey, 'identity.signingKey', () => createPrivateKey(secret)),
    ownerKey: readKey('ed25519', paths.ownerKey, 'identity.ownerKey', () => createPublicKey(owner)),
    rootKey:
      root === undefined || rootPem === null
        ? null
        : readKey('ed25519', root, 'identity.rootKey', () => createPublicKey(rootPem)),
    sealingKey:
      sealing === undefined || sealed === null
        ? null
        : readKey('x25519', sealing, 'identity.sealingKey', () => createPrivateKey(sealed)),
  };
}
