import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StreamLink } from '#backend/queue/stream-link.ts';
import { readStreamSettings } from '#backend/queue/stream-settings.ts';
import { nats, type RunningBroker } from '#broker/testing/contract-brokers.ts';
import { loadConfig } from '#config/load.ts';
import { BackendConfig } from '#config/schema.ts';
import { changeSettings } from '#demo/settings.ts';
import { makeRolesSite, type RolesSite } from './roles-site.ts';

/** A site on PostgreSQL and a real NATS server, which is its broker and its queue. */
export type QueueSite = RolesSite & {
  readonly broker: RunningBroker;
  /** A connection to the stream, as the backend has one. */
  stream(): Promise<StreamLink>;
};

/** @param count gateways */
export async function makeQueueSite(count: number): Promise<QueueSite> {
  const site = await makeRolesSite(count);
  // Not in the folder of the site, which is removed while the server still writes.
  const folder = await mkdtemp(join(tmpdir(), 'blindsight-nats-'));
  const data = join(site.folder, 'site');
  for (const file of ['ca.pem', 'broker.pem', 'broker.key', 'revoked.crl'])
    await copyFile(join(data, 'certificates', file), join(folder, file));
  const broker = await nats({
    ...{ folder, site: 'yard', maxMessageKilobytes: 256 },
    gateways: site.gateways.map(({ name }) => name),
  });
  await changeSettings(join(data, 'backend.yaml'), [
    [['broker', 'url'], `mqtts://localhost:${broker.port}`],
    [['queue'], { kind: 'jetstream', servers: [`tls://localhost:${broker.clientPort}`] }],
  ]);
  return {
    ...site,
    broker,
    brokerUrl: `mqtts://localhost:${broker.port}`,
    async stream() {
      const config = await loadConfig(join(data, 'backend.yaml'), BackendConfig);
      return StreamLink.open((await readStreamSettings(config))!);
    },
    async close() {
      await site.close();
      await broker.stop();
      await rm(folder, { recursive: true });
    },
  };
}
