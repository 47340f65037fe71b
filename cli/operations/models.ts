import { listDeployments } from '#backend/operations/deploy-model.ts';
import { listModels, showModel } from '#backend/operations/models.ts';
import { protectModel } from '#backend/operations/protect-model.ts';
import { withSite } from '#backend/site-folder.ts';
import { formatBytes, printJson, printTable } from '../print.ts';
import { Progress } from '../progress.ts';

type Parts = readonly { readonly name: string; readonly bytes: number }[];

function totalBytes(parts: Parts): number {
  return parts.reduce((sum, part) => sum + part.bytes, 0);
}

/** `blindsight model protect NETWORK`: a bundled network by name, or an ONNX file. */
export async function protect(
  network: string,
  options: { name?: string; regions?: number; data: string },
): Promise<void> {
  const progress = new Progress();
  await withSite(options.data, async (site) => {
    const model = await protectModel({
      site,
      network,
      ...(options.name === undefined ? {} : { name: options.name }),
      ...(options.regions === undefined ? {} : { regions: options.regions }),
      onProgress: (text, share) => progress.update('protecting', text, share),
    }).finally(() => progress.end());
    const selfTest = totalBytes(model.parts.filter(({ name }) => name === 'self-test'));
    process.stdout.write(
      `${model.name} version ${model.version}: every parameter is encrypted, ${formatBytes(totalBytes(model.parts))} to deploy, ${formatBytes(selfTest)} of it a self-test\n`,
    );
  });
}

/** `blindsight model list`. */
export async function list(options: { data: string; json?: boolean }): Promise<void> {
  await withSite(options.data, async (site) => {
    const rows = (await listModels(site)).map((model) => ({
      model: model.name,
      version: model.version,
      created: new Date(model.createdMs).toISOString(),
      labels: model.labels,
      regions: model.interpretation.regions ?? 1,
      ringDegree: model.ringDegree,
      logQP: model.logQP,
      bundleBytes: totalBytes(model.parts),
    }));
    if (options.json) printJson(rows);
    else {
      printTable(
        ['MODEL', 'VERSION', 'PROTECTED', 'LABELS', 'BUNDLE'],
        rows.map((row) => [
          row.model,
          String(row.version),
          row.created.slice(0, 10),
          row.labels.join(', '),
          formatBytes(row.bundleBytes),
        ]),
      );
    }
  });
}

/** `blindsight model show MODEL`. */
export async function show(name: string, options: { data: string; json?: boolean }): Promise<void> {
  await withSite(options.data, async (site) => {
    const model = await showModel(site, name);
    const gateways = (await listDeployments(site))
      .filter((release) => release.model === model.name && release.version === model.version)
      .map((release) => ({ gateway: release.gateway, release: release.counter }));
    const regions = model.interpretation.regions ?? 1;
    const { parts, labels, ringDegree, logQP, answerBytes, onnxSha256, version, listing } = model;
    if (options.json) {
      printJson({
        model: name,
        version,
        labels,
        regions,
        ringDegree,
        logQP,
        answerBytes,
        onnxSha256,
        parts,
        gateways,
        listing,
      });
      return;
    }
    printTable(
      [`${name}`, `version ${version}`],
      [
        ['labels', labels.join(', ')],
        ['regions', String(regions)],
        ['security', `128 bits: N = ${ringDegree}, log2(Q·P) = ${logQP.toFixed(1)}`],
        ['answer', formatBytes(answerBytes)],
        ...parts.map((part) => [part.name, formatBytes(part.bytes)]),
        ['ONNX file', onnxSha256.slice(0, 16)],
        ['released to', gateways.map((g) => `${g.gateway} (release ${g.release})`).join(', ') || '-'],
      ],
    );
    process.stdout.write(`\n${listing}\n`);
  });
}
