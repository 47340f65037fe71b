import type { KeySetId } from '../store/protections.ts';

/** Identities of the sealed records of a site; each is authenticated with its record. */
export const SECRETS = {
  /** PKCS #8 PEM of the installation's certificate authority. */
  authorityKey: 'site/authority-key',
  /** PKCS #8 PEM of the Ed25519 key that signs manifests. */
  ownerSigningKey: 'site/owner-signing-key',
  /** PKCS #8 PEM of the Ed25519 key that signs how far the audit log goes. */
  auditKey: 'site/audit-key',
  /** 32 random bytes by which answers are chosen to be opened: whoever has them knows which. */
  auditSelectionKey: 'site/audit-selection-key',
  /** PKCS #8 DER of the X25519 key that opens openings; absent where the auditor is a process of its own. */
  auditorKey: 'site/auditor-key',
  /** JSON: how a channel for alerts is reached. */
  channel: (name: string) => `channel/${name}`,
  /** Of the first key set. */
  modelSecretKey: (name: string, version: number) => `model/${name}/${version}/secret-key`,
  modelResultSecretKey: (name: string, version: number) => `model/${name}/${version}/result-secret-key`,
  /** Of any key set. */
  keySetSecretKey: (keySet: KeySetId) => `${keySetIdentity(keySet)}/secret-key`,
  keySetResultSecretKey: (keySet: KeySetId) => `${keySetIdentity(keySet)}/result-secret-key`,
  /** 32 bytes that mark the weights encrypted under a key set: key of `markGraph`. */
  keySetFingerprint: (keySet: KeySetId) => `${keySetIdentity(keySet)}/fingerprint`,
  modelOnnx: (name: string, version: number) => `model/${name}/${version}/onnx`,
  /** JSON of its description: labels and calibrated ranges, from which further keys are made. */
  modelDescription: (name: string, version: number) => `model/${name}/${version}/description`,
} as const;

/** The first one is older than key sets are, and has the network's own name. */
function keySetIdentity({ model, version, number }: KeySetId): string {
  return number === 1 ? `model/${model}/${version}` : `model/${model}/${version}/${number}`;
}
