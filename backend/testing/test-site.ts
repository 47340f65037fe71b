import { generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BUNDLE_PARTS } from '#protocol/manifest.ts';
import { createAuthority } from '../enrolment/authority.ts';
import { deployModel } from '../operations/deploy-model.ts';
import { keepNetwork } from '../protection/keep-network.ts';
import { SECRETS } from '../sealing/identities.ts';
import { Vault } from '../sealing/vault.ts';
import { AUTHORITY_CERTIFICATE, blobFolder, type Site } from '../site.ts';
import { migrate } from '../store/migrations.ts';
import { openSqlite } from '../store/sqlite.ts';
import { Store } from '../store/store.ts';

/** A site in a temporary folder, with owner key and authority. */
export type TestSite = Site & { readonly ownerPublicKey: KeyObject };

export async function makeTestSite(name = 'yard'): Promise<TestSite> {
  const dataDirectory = mkdtempSync(join(tmpdir(), 'blindsight-site-'));
  const database = openSqlite(join(dataDirectory, 'blindsight.db'));
  await migrate(database);
  const store = new Store(database);
  const vault = new Vault(randomBytes(32));
  await vault.mark(store, 0);
  const owner = generateKeyPairSync('ed25519');
  const pem = owner.privateKey.export({ format: 'pem', type: 'pkcs8' }) as string;
  await vault.keep(store, SECRETS.ownerSigningKey, Buffer.from(pem), 0);
  const authority = await createAuthority();
  await vault.keep(store, SECRETS.authorityKey, Buffer.from(authority.key), 0);
  await store.settings.set(AUTHORITY_CERTIFICATE, authority.certificate);
  return {
    name,
    gatewayCertificateDays: 365,
    dataDirectory,
    brokerDirectory: dataDirectory,
    store,
    vault,
    blobs: blobFolder(dataDirectory),
    ownerPublicKey: owner.publicKey,
    async close() {
      await store.close();
      rmSync(dataDirectory, { recursive: true });
    },
  };
}

/** Enrols a gateway without certificate. @returns its signing key. */
export async function enrolTestGateway(
  site: Site,
  name: string,
  certificateSerial = '01',
  enrolledMs = 0,
): Promise<KeyObject> {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  await site.store.gateways.add({
    name,
    signingKey: publicKey.export({ format: 'pem', type: 'spki' }) as string,
    certificateSerial,
    certificateEndMs: enrolledMs + 5 * 365 * 86_400_000,
    enrolledMs,
  });
  return privateKey;
}

/** Releases a model to a gateway, with the keys that all others have. @returns the digest of the manifest. */
export async function releaseTo(site: Site, gateway: string, model: string): Promise<string> {
  return (await deployModel({ site, model, gateway, keys: 'common' })).digest;
}

/** Keeps a model whose bundle parts are no more than bytes. */
export async function keepTestModel(site: Site, name: string): Promise<void> {
  await keepNetwork(
    site,
    name,
    {
      onnx: Uint8Array.of(1),
      labels: ['empty', 'occupied'],
      ringDegree: 4096,
      logQP: 100,
      parts: BUNDLE_PARTS.map((part, index) => ({ name: part, bytes: new Uint8Array(70_000).fill(index) })),
      secretKey: Uint8Array.of(9),
      resultSecretKey: null,
      selfTest: { reference: 'c'.repeat(64) },
      answerBytes: 10,
      interpretation: {
        labels: ['empty', 'occupied'],
        expected: Int32Array.of(0, 1),
        unit: 1,
        range: 1,
        tolerance: 1,
      },
    },
    5,
  );
}
