import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { assignCamera } from '#backend/operations/cameras.ts';
import { deployModel, listDeployments } from '#backend/operations/deploy-model.ts';
import { enrolGateway } from '#backend/operations/enrol-gateway.ts';
import { listGateways } from '#backend/operations/gateways.ts';
import { initializeSite } from '#backend/operations/initialize-site.ts';
import { isCurrent } from '#backend/operations/is-current.ts';
import { listModels } from '#backend/operations/models.ts';
import { protectModel } from '#backend/operations/protect-model.ts';
import { addZone } from '#backend/operations/zones.ts';
import { makePass } from '#backend/people/command-line-pass.ts';
import type { Site } from '#backend/site.ts';
import { siteFiles, withSite } from '#backend/site-folder.ts';
import type { DeploymentRecord } from '#backend/store/deployments.ts';
import { step } from '#setup/progress.mjs';
import { DEMO_CAMERAS, type DemoCamera } from './cameras.ts';

const SITE = 'demo';

/** What the all-in-one site consists of. */
export type PreparedSite = {
  readonly brokerConfig: string;
  readonly backendConfig: string;
  /** The gateway's enrolment package. */
  readonly gatewayFolder: string;
  readonly agentConfig: string;
  /** Digests of the newest release of each network to the gateway. */
  readonly releases: readonly string[];
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
 * Brings a folder to the state in which the three daemons can start: keys and certificates, the bundled networks encrypted, one gateway
 * enrolled, the networks released to it. Every step is left out where its result is there, so a run that was cut short is continued.
 *
 * @param cameras that there are to be
 * @param signal cuts it short
 */
export async function prepareSite(
  data: string,
  cameras: readonly DemoCamera[],
  signal: AbortSignal,
): Promise<PreparedSite> {
  const { folder, backendConfig, brokerConfig } = siteFiles(data);
  if (!existsSync(backendConfig)) {
    await step('Making keys and certificates', () => initializeSite(folder, SITE));
  }
  return withSite(folder, async (site, config) => {
    const enrolled = (await listGateways(site)).map((gateway) => gateway.name);
    const { name, exists } = gatewayName(folder, enrolled);
    const gatewayFolder = join(folder, 'gateways', name);
    if (!exists) {
      await step('Enrolling the gateway', () =>
        enrolGateway({ site, name, outDirectory: gatewayFolder, brokerUrl: config.broker.url }),
      );
    }
    const releases: string[] = [];
    for (const camera of cameras) releases.push(await prepareNetwork(site, name, camera, signal));
    return {
      brokerConfig,
      backendConfig,
      gatewayFolder,
      agentConfig: join(gatewayFolder, 'agent.yaml'),
      releases,
    };
  });
}

/** Encrypts the network of a camera and releases it to the gateway, where that was not done. @returns the digest of the release */
async function prepareNetwork(
  site: Site,
  gateway: string,
  { camera, network, zones }: DemoCamera,
  signal: AbortSignal,
): Promise<string> {
  const stored = (await listModels(site)).filter((model) => model.name === network).at(-1);
  const outdated = stored !== undefined && !(await isCurrent(stored, network));
  if (stored === undefined || outdated) {
    const why = outdated
      ? 'again, because this version of Blindsight compiles it to a different program'
      : '';
    await protectBundled(site, network, signal, why);
  }
  if (stored === undefined && zones.length > 0) {
    await assignCamera(site, camera, gateway);
    for (const zone of zones) await addZone(site, camera, zone);
  }
  const beside = network !== DEMO_CAMERAS[0].network;
  const release = (await listDeployments(site))
    .filter((one) => one.gateway === gateway && one.beside === beside && (!beside || one.model === network))
    .at(-1);
  // Another network that somebody deployed here stays.
  if (release !== undefined && !(outdated && release.model === network)) return release.digest;
  return (await releaseBundled(site, network, gateway)).digest;
}

/**
 * Encrypts a bundled network once more and releases it to the gateway that refused the one before.
 *
 * @returns the digest of the new release; null where it is not a bundled network that the gateway is to run.
 */
export async function renewNetwork(
  data: string,
  refused: string,
  signal: AbortSignal,
): Promise<string | null> {
  return withSite(siteFiles(data).folder, async (site) => {
    const release = (await listDeployments(site)).find(({ digest }) => digest === refused);
    if (release === undefined || !DEMO_CAMERAS.some(({ network }) => network === release.model)) return null;
    await protectBundled(site, release.model, signal, 'again, because the gateway refuses the previous one');
    return (await releaseBundled(site, release.model, release.gateway)).digest;
  });
}

async function protectBundled(site: Site, network: string, signal: AbortSignal, why: string): Promise<void> {
  const what = [`Encrypting the network ${network}`, why].filter((words) => words !== '').join(' ');
  await step(`${what}: every parameter, and evaluation keys`, () => protectModel({ site, network, signal }));
}

function releaseBundled(site: Site, model: string, gateway: string): Promise<DeploymentRecord> {
  const place = model === DEMO_CAMERAS[0].network ? 'default' : 'beside';
  return step(`Releasing the network ${model} to the gateway`, () =>
    deployModel({ site, model, gateway, place }),
  );
}

/** Lets this program read the answers of its own site where people have accounts there; null while its store cannot be opened. */
export function viewerPass(data: string): Promise<string | null> {
  return withSite(siteFiles(data).folder, async (site) => makePass(site, 'viewer')).catch(() => null);
}
