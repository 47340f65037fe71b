import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { deployModel, listDeployments } from '#backend/operations/deploy-model.ts';
import { enrolGateway } from '#backend/operations/enrol-gateway.ts';
import { listGateways } from '#backend/operations/gateways.ts';
import { initializeSite } from '#backend/operations/initialize-site.ts';
import { isCurrent } from '#backend/operations/is-current.ts';
import { listModels } from '#backend/operations/models.ts';
import { protectModel } from '#backend/operations/protect-model.ts';
import { makePass } from '#backend/people/command-line-pass.ts';
import type { Site } from '#backend/site.ts';
import { siteFiles, withSite } from '#backend/site-folder.ts';
import type { DeploymentRecord } from '#backend/store/deployments.ts';
import { step } from '#setup/progress.mjs';

const SITE = 'demo';
const NETWORK = 'counter';

/** What the all-in-one site consists of. */
export type PreparedSite = {
  readonly brokerConfig: string;
  readonly backendConfig: string;
  /** The gateway's enrolment package. */
  readonly gatewayFolder: string;
  readonly agentConfig: string;
  /** Digest of the gateway's newest release. */
  readonly release: string;
};

/** Name of the gateway whose package is in the folder, or of the one to enrol where there is none. */
function gatewayName(folder: string, enrolled: readonly string[]): { name: string; exists: boolean } {
  for (let number = 1; ; number++) {
    const name = `gateway-${number}`;
    // The package is named by the store and on disk, or the set-up was cut between the two: then the name is spent.
    const hasPackage = existsSync(join(folder, 'gateways', name, 'agent.yaml'));
    if (enrolled.includes(name) && hasPackage) return { name, exists: true };
    if (!enrolled.includes(name)) return { name, exists: false };
  }
}

/**
 * Brings a folder to the state in which the three daemons can start: keys and certificates, the bundled network encrypted, one gateway
 * enrolled, the network released to it. Every step is left out where its result is there, so a run that was cut short is continued.
 *
 * @param signal cuts it short
 */
export async function prepareSite(data: string, signal: AbortSignal): Promise<PreparedSite> {
  const { folder, backendConfig, brokerConfig } = siteFiles(data);
  if (!existsSync(backendConfig)) {
    await step('Making keys and certificates', () => initializeSite(folder, SITE));
  }
  return withSite(folder, async (site, config) => {
    const stored = (await listModels(site)).filter((model) => model.name === NETWORK).at(-1);
    const outdated = stored !== undefined && !(await isCurrent(stored, NETWORK));
    if (stored === undefined || outdated) {
      const why = outdated
        ? 'again, because this version of Blindsight compiles it to a different program'
        : '';
      await protectBundled(site, signal, why);
    }
    const enrolled = (await listGateways(site)).map((gateway) => gateway.name);
    const { name, exists } = gatewayName(folder, enrolled);
    const gatewayFolder = join(folder, 'gateways', name);
    if (!exists) {
      await step('Enrolling the gateway', () =>
        enrolGateway({ site, name, outDirectory: gatewayFolder, brokerUrl: config.broker.url }),
      );
    }
    const releases = await listDeployments(site);
    let release = releases.filter(({ gateway, beside }) => gateway === name && !beside).at(-1);
    // Another network that somebody deployed here stays.
    if (release === undefined || (outdated && release.model === NETWORK))
      release = await releaseBundled(site, name);
    return {
      brokerConfig,
      backendConfig,
      gatewayFolder,
      agentConfig: join(gatewayFolder, 'agent.yaml'),
      release: release.digest,
    };
  });
}

/**
 * Encrypts the bundled network once more and releases it to the gateway that refused the one before.
 *
 * @returns the digest of the new release; null where it is not the bundled network that the gateway is to run.
 */
export async function renewNetwork(
  data: string,
  refused: string,
  signal: AbortSignal,
): Promise<string | null> {
  return withSite(siteFiles(data).folder, async (site) => {
    const release = (await listDeployments(site)).find(({ digest }) => digest === refused);
    if (release?.model !== NETWORK) return null;
    await protectBundled(site, signal, 'again, because the gateway refuses the previous one');
    return (await releaseBundled(site, release.gateway)).digest;
  });
}

async function protectBundled(site: Site, signal: AbortSignal, why: string): Promise<void> {
  const what = ['Encrypting the network', why].filter((words) => words !== '').join(' ');
  await step(`${what}: every parameter, and evaluation keys`, () =>
    protectModel({ site, network: NETWORK, signal }),
  );
}

async function releaseBundled(site: Site, gateway: string): Promise<DeploymentRecord> {
  return step('Releasing the network to the gateway', () => deployModel({ site, model: NETWORK, gateway }));
}

/** Lets this program read the answers of its own site where people have accounts there; null while its store cannot be opened. */
export function viewerPass(data: string): Promise<string | null> {
  return withSite(siteFiles(data).folder, async (site) => makePass(site, 'viewer')).catch(() => null);
}
