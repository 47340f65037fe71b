import { createHash } from 'node:crypto';
import type { BundlePart } from '#protocol/manifest.ts';
import { SECRETS } from '../sealing/identities.ts';
import type { Site } from '../site.ts';
import type { NewModel } from '../store/models.ts';
import type { ProtectedNetwork } from './protect-task.ts';

/**
 * Keeps a protected network as the next version of its name: parts as files first, then keys (sealed) and record in one
 * transaction, so that a model that is listed is complete. The secret keys, the fingerprint and the network are overwritten with zeros.
 *
 * @param fingerprint key of the one that the network was marked with, if it was.
 */
export async function keepNetwork(
  site: Site,
  name: string,
  network: ProtectedNetwork,
  nowMs: number,
  fingerprint: Uint8Array | null = null,
): Promise<NewModel> {
  const parts: BundlePart[] = [];
  for (const { name: part, bytes } of network.parts) {
    parts.push({ name: part, bytes: bytes.length, sha256: await site.blobs.put(bytes) });
  }
  const onnxSha256 = createHash('sha256').update(network.onnx).digest('hex');
  const { labels, ringDegree, logQP, selfTest, answerBytes, interpretation } = network;
  return site.store.transaction(async (store) => {
    const version = await store.models.nextVersion(name);
    const { vault } = site;
    await vault.keep(store, SECRETS.modelSecretKey(name, version), network.secretKey, nowMs);
    if (network.resultSecretKey !== null) {
      await vault.keep(store, SECRETS.modelResultSecretKey(name, version), network.resultSecretKey, nowMs);
    }
    if (fingerprint !== null)
      await vault.keep(
        store,
        SECRETS.keySetFingerprint({ model: name, version, number: 1 }),
        fingerprint,
        nowMs,
      );
    await vault.keep(store, SECRETS.modelOnnx(name, version), network.onnx, nowMs);
    if (network.description !== undefined) {
      const description = Buffer.from(JSON.stringify(network.description));
      await vault.keep(store, SECRETS.modelDescription(name, version), description, nowMs);
    }
    const record: NewModel = {
      name,
      version,
      createdMs: nowMs,
      labels,
      ringDegree,
      logQP,
      parts,
      onnxSha256,
      selfTest,
      answerBytes,
      interpretation,
    };
    await store.models.add(record);
    await store.journal.add({
      timeMs: nowMs,
      level: 'info',
      code: 'MODEL_PROTECTED',
      subject: name,
      message: `${name} version ${version} was protected: N = ${ringDegree}, log2(Q·P) = ${logQP.toFixed(1)}`,
    });
    return record;
  });
}
