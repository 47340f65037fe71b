import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runAgent } from '#agent/main.ts';
import { type RunningBackend, runBackend } from '#backend/main.ts';
import { deployModel } from '#backend/operations/deploy-model.ts';
import { enrolGateway } from '#backend/operations/enrol-gateway.ts';
import { initializeSite } from '#backend/operations/initialize-site.ts';
import { protectModel } from '#backend/operations/protect-model.ts';
import { openSite, type Site } from '#backend/site.ts';
import { startBroker } from '#broker/main.ts';
import { loadConfig } from '#config/load.ts';
import { AgentConfig, BackendConfig, BrokerConfig } from '#config/schema.ts';
import { createLogger, type Logger } from '#runtime/log.ts';
import { freePort } from '#runtime/ports.ts';
import { type TwoLogits, writeTwoLogits } from './two-logits.ts';

/** A site `yard` in this process: broker, backend and gateways, all of them real. */
export type RunningSite = {
  readonly site: Site;
  readonly backend: RunningBackend;
  readonly brokerUrl: string;
  /** The site's folder, for the command line. */
  readonly data: string;
  readonly log: Logger;
  /** Protects a network of one layer. */
  protect(network: TwoLogits, regions?: number): ReturnType<typeof protectModel>;
  /**
   * Enrols a gateway, deploys a model to it and runs it; its files are below the folder above the site's, under its name.
   *
   * @param cameras as in its configuration
   * @param change to the rest of its configuration
   */
  startGateway(
    name: string,
    model: string,
    cameras: readonly object[],
    change?: (config: AgentConfig) => AgentConfig,
  ): Promise<void>;
  /** What the backend's API says at `/api/…`. */
  get<T>(path: string): Promise<T>;
  /** Stops everything and removes it. */
  close(): Promise<void>;
};

/** @param settings what the backend's differ in from those of a new site */
export async function startRunningSite(settings: Partial<BackendConfig> = {}): Promise<RunningSite> {
  const log = createLogger({
    name: 'test',
    level: 'error',
    format: 'json',
    destination: { write: (line) => process.stderr.write(line) },
  });
  const stop = new AbortController();
  const agents: Promise<void>[] = [];
  const folder = mkdtempSync(join(tmpdir(), 'blindsight-running-'));
  const brokerPort = await freePort(0);
  const brokerUrl = `mqtts://localhost:${brokerPort}`;
  await initializeSite(join(folder, 'site'), 'yard', { brokerPort, apiPort: 0 });
  const config = { ...(await loadConfig(join(folder, 'site/backend.yaml'), BackendConfig)), ...settings };
  const site = await openSite(config);
  const broker = await startBroker({
    config: await loadConfig(join(folder, 'site/broker.yaml'), BrokerConfig),
    log,
  });
  const backend = await runBackend({ config, log, signal: stop.signal });
  return {
    site,
    backend,
    brokerUrl,
    data: join(folder, 'site'),
    log,
    async protect(network, regions = 1) {
      return protectModel({ site, network: await writeTwoLogits(folder, network), regions });
    },
    async startGateway(name, model, list, change = (config) => config) {
      const outDirectory = join(folder, name);
      const { configFile } = await enrolGateway({ site, name, outDirectory, brokerUrl });
      await deployModel({ site, model, gateway: name });
      const cameras = AgentConfig.shape.cameras.parse(list);
      const inference = { interpreter: 'engine', threads: 1, shareCiphertexts: true } as const;
      const agentConfig = { ...(await loadConfig(configFile, AgentConfig)), cameras, inference };
      agents.push(runAgent({ config: change(agentConfig), log, signal: stop.signal }));
    },
    async get(path) {
      return (await fetch(`http://127.0.0.1:${backend.port}/api/${path}`)).json();
    },
    async close() {
      stop.abort();
      await Promise.all(agents);
      await backend.close();
      await broker.close();
      await site.close();
      rmSync(folder, { recursive: true });
    },
  };
}
