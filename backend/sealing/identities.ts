/** Identities of the sealed records of a site; each is authenticated with its record. */
export const SECRETS = {
  /** PKCS #8 PEM of the installation's certificate authority. */
  authorityKey: 'site/authority-key',
  /** PKCS #8 PEM of the Ed25519 key that signs manifests. */
  ownerSigningKey: 'site/owner-signing-key',
  /** PKCS #8 PEM of the Ed25519 key that signs how far the audit log goes. */
  auditKey: 'site/audit-key',
  modelSecretKey: (name: string, version: number) => `model/${name}/${version}/secret-key`,
  modelResultSecretKey: (name: string, version: number) => `model/${name}/${version}/result-secret-key`,
  modelOnnx: (name: string, version: number) => `model/${name}/${version}/onnx`,
} as const;
