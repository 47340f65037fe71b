import { createPrivateKey, type KeyObject } from 'node:crypto';
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { deployModel } from '#backend/operations/deploy-model.ts';
import { enrolGateway } from '#backend/operations/enrol-gateway.ts';
import { initializeSite } from '#backend/operations/initialize-site.ts';
import { keepNetwork } from '#backend/protection/keep-network.ts';
import { openSite, type Site } from '#backend/site.ts';
import { makeTinyNetwork } from '#backend/testing/tiny-network.ts';
import { startCityStore } from '#bench/city/city-store.ts';
import { loadConfig } from '#config/load.ts';
import { BackendConfig } from '#config/schema.ts';
import { DaemonProcess } from '#demo/daemon-process.ts';
import { changeSettings, type Setting } from '#demo/settings.ts';
import { encodeEnvelope } from '#protocol/envelope.ts';
import { freePort } from '#runtime/ports.ts';

type Signer = { readonly name: string; readonly signingKey: KeyObject; readonly bundle: string };

/** A site on PostgreSQL whose backend is several processes, and its embedded broker one more. Its gateways are what a test makes of them. */
export type RolesSite = {
  readonly site: Site;
  readonly folder: string;
  readonly brokerUrl: string;
  readonly apiPort: number;
  readonly gateways: readonly Signer[];
  /** Starts a process; it is started again when it ends. */
  start(name: string, command: 'broker' | 'backend', ...roles: readonly string[]): DaemonProcess;
  /** An answer about a picture of its own. */
  envelope(gateway: Signer, sequence: number): Uint8Array;
  /** The last lines of each process' log. */
  logEnds(): string;
  close(): Promise<void>;
};

const LOG_LINES = 12;

/**
 * @param count gateways
 * @param settings of the backend, in which they differ from those of a new site
 */
export async function makeRolesSite(count: number, settings: readonly Setting[] = []): Promise<RolesSite> {
  const folder = mkdtempSync(join(tmpdir(), 'blindsight-roles-'));
  const store = await startCityStore('postgresql', folder);
  const data = join(folder, 'site');
  const [brokerPort, apiPort] = [await freePort(0), await freePort(0)];
  const { configFile, brokerConfigFile } = await initializeSite(data, 'yard', {
    ...{ brokerPort, apiPort },
    postgresqlUrlFile: store.postgresqlUrlFile!,
  });
  // Its answers are the reference interpreter's.
  await changeSettings(configFile, [[['audit'], { share: 0 }], ...settings]);
  const site = await openSite(await loadConfig(configFile, BackendConfig));
  const network = await makeTinyNetwork();
  await keepNetwork(site, 'tiny', network.protectedNetwork as Parameters<typeof keepNetwork>[2], 1);
  const brokerUrl = `mqtts://localhost:${brokerPort}`;
  const gateways: Signer[] = [];
  for (let i = 0; i < count; i++) {
    const name = `gate-${i}`;
    await enrolGateway({ site, name, outDirectory: join(folder, name), brokerUrl });
    const { digest } = await deployModel({ site, model: 'tiny', gateway: name, keys: 'common' });
    const signingKey = createPrivateKey(readFileSync(join(folder, name, 'signing.key')));
    gateways.push({ name, signingKey, bundle: digest });
  }
  const ciphertext = network.answer([0.2, 0.9]);
  await network.close();
  const processes: DaemonProcess[] = [];
  const begunMs = Date.now();
  return {
    ...{ site, folder, brokerUrl, apiPort, gateways },
    start(name, command, ...roles) {
      const config = command === 'broker' ? brokerConfigFile : configFile;
      const options = roles.flatMap((role) => ['--role', role]);
      const process = new DaemonProcess(command, config, join(folder, `${name}.log`), () => {}, options);
      process.start();
      processes.push(process);
      return process;
    },
    envelope: ({ name, signingKey, bundle }, sequence) =>
      encodeEnvelope(
        {
          ...{
            schema: 1,
            site: 'yard',
            gateway: name,
            camera: `camera-${name}`,
            session: 1,
            sequence,
            bundle,
          },
          ...{ frameTimeMs: begunMs - 600_000 + sequence * 500, readyTimeMs: begunMs - 500 },
          ...{ interpreter: 'reference', historical: false, ciphertext },
          timings: { prepareMs: 1, encryptMs: 2, evaluateMs: 3 },
        },
        signingKey,
      ),
    logEnds: () =>
      globSync(join(folder, '*.log'))
        .map(
          (file) =>
            `${basename(file)}:\n${readFileSync(file, 'utf8').split('\n').slice(-LOG_LINES).join('\n')}`,
        )
        .join('\n'),
    async close() {
      await Promise.all(processes.map((process) => process.stop()));
      await site.close();
      await store.stop();
      rmSync(folder, { recursive: true });
    },
  };
}
