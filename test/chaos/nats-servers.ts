import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { CitySite } from '#bench/city/city-site.ts';
import { writeNatsCluster } from '#broker/testing/contract-brokers.ts';
import { ChaosProcess, type ChaosProcessOptions } from './chaos-process.ts';

/** Three servers of NATS that know each other. */
export type NatsServers = {
  readonly processes: readonly ChaosProcess[];
  /** For MQTT. */
  readonly ports: readonly number[];
  /** For NATS' own protocol. */
  readonly clientPorts: readonly number[];
  /** Which all of them show. */
  readonly certificate: string;
};

/** Of the limit of broker.example.yaml. */
const MESSAGE_KILOBYTES = 256;

/** Writes what they need into a folder; none of them runs yet. */
export async function makeNatsServers(
  { data, gateways }: CitySite,
  folder: string,
  filesOf: (name: string) => Pick<ChaosProcessOptions, 'logFile' | 'clockFile'>,
): Promise<NatsServers> {
  await mkdir(folder);
  for (const file of ['ca.pem', 'broker.pem', 'broker.key'])
    await copyFile(join(data, 'certificates', file), join(folder, file));
  const places = await writeNatsCluster({
    ...{ folder, site: gateways[0]!.site, maxMessageKilobytes: MESSAGE_KILOBYTES },
    gateways: gateways.map(({ name }) => name),
  });
  return {
    processes: places.map(
      ({ name, file }) =>
        new ChaosProcess({ name, ...filesOf(name), program: 'nats-server', arguments: () => ['-c', file] }),
    ),
    ports: places.map(({ port }) => port),
    clientPorts: places.map(({ clientPort }) => clientPort),
    certificate: join(folder, 'broker.pem'),
  };
}
