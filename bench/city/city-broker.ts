import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { mosquitto, nats, type RunningBroker } from '#broker/testing/contract-brokers.ts';
import { DaemonProcess } from '#demo/daemon-process.ts';
import { untilReady } from '#demo/ready.ts';
import { changeSettings } from '#demo/settings.ts';
import { freePort } from '#runtime/ports.ts';
import { listens } from '#runtime/probe.ts';
import type { CitySite } from './city-site.ts';

export type CityBroker = 'aedes' | 'mosquitto' | 'nats';

/** A city begins with many processes at once, on whatever machine there is. */
export const START_MS = 240_000;
/** The limit of broker.example.yaml. */
const MESSAGE_KILOBYTES = 256;

/** Starts a broker for a site as a process of its own. @param folder for what it writes */
export async function startCityBroker(
  kind: CityBroker,
  { data, brokerConfig, gateways }: CitySite,
  folder: string,
  signal: AbortSignal,
): Promise<Pick<RunningBroker, 'port' | 'clientPort' | 'pid' | 'restart' | 'stop'>> {
  if (kind === 'aedes') return startEmbedded(brokerConfig, folder, signal);
  const place = join(folder, 'broker');
  await mkdir(place);
  for (const file of ['ca.pem', 'broker.pem', 'broker.key', 'revoked.crl'])
    await copyFile(join(data, 'certificates', file), join(place, file));
  const settings = {
    ...{ folder: place, site: gateways[0]!.site, maxMessageKilobytes: MESSAGE_KILOBYTES },
    gateways: gateways.map(({ name }) => name),
  };
  return kind === 'nats' ? nats(settings) : mosquitto(settings);
}

async function startEmbedded(config: string, folder: string, signal: AbortSignal) {
  const port = await freePort(0);
  await changeSettings(config, [[['port'], port]]);
  const logFile = join(folder, 'broker.log');
  const start = async () => {
    const daemon = new DaemonProcess('broker', config, logFile, () => {});
    daemon.start();
    await untilReady('the broker', () => listens(port), logFile, signal, START_MS);
    return daemon;
  };
  let daemon = await start();
  return {
    port,
    get pid() {
      return daemon.pid;
    },
    async restart() {
      await daemon.stop();
      daemon = await start();
    },
    stop: () => daemon.stop(),
  };
}
