import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { InterpreterHost } from '#agent/inference/interpreter-host.ts';
import type { Site } from '#backend/site.ts';
import type { DeploymentRecord } from '#backend/store/deployments.ts';
import { decodeManifest } from '#protocol/manifest.ts';

/** Different ciphertexts; gateways send them in turn. */
const ANSWERS = 8;

/**
 * Runs a released network as a gateway does, on pictures of one gray each.
 *
 * @param folder an empty one for the bundle
 * @returns encrypted answers of the engine
 */
export async function makeAnswers(
  site: Pick<Site, 'blobs'>,
  release: DeploymentRecord,
  folder: string,
): Promise<readonly Uint8Array[]> {
  const { manifest } = decodeManifest(release.manifest);
  await mkdir(folder);
  for (const { name, sha256 } of manifest.parts)
    await writeFile(join(folder, name), await site.blobs.get(sha256));
  const bundle = { digest: release.digest, directory: folder, manifest };
  const host = await InterpreterHost.open({ bundle, kind: 'engine', threads: 1, selfTest: false });
  try {
    const { channels, height, width } = host.picture;
    const answers: Uint8Array[] = [];
    for (let i = 0; i < ANSWERS; i++) {
      const picture = new Uint8Array(host.regions * channels * height * width).fill(100 + 5 * i);
      answers.push((await host.run(picture)).ciphertext);
    }
    return answers;
  } finally {
    await host.close();
  }
}
