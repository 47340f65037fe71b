import { createPrivateKey } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { deployToGateways } from '#backend/operations/deploy-model.ts';
import { enrolGateway } from '#backend/operations/enrol-gateway.ts';
import { type InitializeSiteOptions, initializeSite } from '#backend/operations/initialize-site.ts';
import { protectModel } from '#backend/operations/protect-model.ts';
import { withSite } from '#backend/site-folder.ts';
import { changeSettings } from '#demo/settings.ts';
import { makeAnswers } from './real-answers.ts';
import type { GatewayIdentity } from './simulated-gateway.ts';

const SITE = 'city';
/** The network of all gateways; its answers travel in the small ring. */
export const CITY_NETWORK = 'counter';

export type CitySite = {
  /** The folder of the site. */
  readonly data: string;
  readonly backendConfig: string;
  readonly brokerConfig: string;
  readonly gateways: readonly GatewayIdentity[];
  /** Encrypted answers of the network that all gateways run. */
  readonly answers: readonly Uint8Array[];
};

export type CitySiteOptions = Required<Pick<InitializeSiteOptions, 'brokerPort' | 'apiPort'>> &
  Pick<InitializeSiteOptions, 'postgresqlUrlFile'> & {
    readonly gateways: number;
    /** Answers a second and gateway. */
    readonly rate: number;
    /** Of the backend, beside those of every such site. */
    readonly settings?: Parameters<typeof changeSettings>[1];
    readonly signal: AbortSignal;
    readonly onProgress: (text: string, share: number) => void;
  };

/** Makes a site in a folder, enrols gateways, and releases a network to all of them under the same keys. Nothing is audited: simulated gateways cannot open an answer. */
export async function makeCitySite(folder: string, options: CitySiteOptions): Promise<CitySite> {
  const { gateways: count, rate, settings = [], signal, onProgress, ...ports } = options;
  const data = join(folder, 'site');
  onProgress('keys and the network', 0);
  const { configFile: backendConfig, brokerConfigFile } = await initializeSite(data, SITE, ports);
  await changeSettings(backendConfig, [
    [['audit'], { share: 0 }],
    [['answers', 'perCameraPerSecond'], Math.max(1, Math.ceil(2 * rate))],
    ...settings,
  ]);
  return withSite(data, async (site) => {
    await protectModel({ site, network: CITY_NETWORK, signal });
    const names = Array.from({ length: count }, (_, i) => `g-${i + 1}`);
    const brokerUrl = `mqtts://127.0.0.1:${ports.brokerPort}`;
    for (const [i, name] of names.entries()) {
      signal.throwIfAborted();
      onProgress('enrolling gateways', i / count);
      await enrolGateway({ site, name, outDirectory: join(folder, name), brokerUrl });
    }
    onProgress('releasing the network', 1);
    const releases = await deployToGateways({
      ...{ site, model: CITY_NETWORK, gateways: names, keys: 'common', signal },
    });
    const answers = await makeAnswers(site, releases[0]!, join(folder, 'bundle'));
    const gateways = await Promise.all(
      releases.map(({ gateway, digest }) => readIdentity(join(folder, gateway), gateway, digest)),
    );
    return { data, backendConfig, brokerConfig: brokerConfigFile, gateways, answers };
  });
}

async function readIdentity(folder: string, name: string, bundle: string): Promise<GatewayIdentity> {
  const [ca, certificate, key, signing] = await Promise.all(
    ['ca.pem', 'gateway.pem', 'gateway.key', 'signing.key'].map((file) => readFile(join(folder, file))),
  );
  return {
    ...{ site: SITE, name, folder, bundle, signingKey: createPrivateKey(signing!) },
    credentials: { ca: ca!, certificate: certificate!, key: key! },
  };
}
