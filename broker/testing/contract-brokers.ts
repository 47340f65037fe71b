import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { chmod, copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { BrokerConfig } from '#config/schema.ts';
import { createLogger } from '#runtime/log.ts';
import { freePort } from '#runtime/ports.ts';
import { type Broker, startBroker } from '../main.ts';
import { mosquittoAccessList } from '../mosquitto.ts';
import { natsUsers } from '../nats.ts';

/** How often it is looked whether a server listens: for two minutes, as others may need the machine. */
const ATTEMPTS = 2_400;
const LOOK_MS = 50;
const STOP_MS = 20_000;

/** A broker that runs for a test, on a port of its own that it keeps over a restart. */
export type RunningBroker = {
  readonly port: number;
  /** Of its process, where it is one of its own. */
  readonly pid?: number | undefined;
  /** Of a protocol of its own, beside MQTT. */
  readonly clientPort?: number;
  /** How it is, and what it has written to its log, where it is of this process. */
  readonly told?: () => Pick<ReturnType<Broker['health']>, 'connected' | 'dropped'> & {
    readonly lines: readonly string[];
  };
  /** It knows no limit for a message. */
  readonly takesAnySize?: true;
  /** @param meanwhile what is done while it is away */
  restart(meanwhile?: () => Promise<void>): Promise<void>;
  /** Makes it read anew who was withdrawn, where it does not do so by itself. */
  reload(): void;
  stop(): Promise<void>;
};

/** `folder` holds ca.pem, broker.pem, broker.key and revoked.crl. */
export type BrokerSettings = {
  readonly folder: string;
  readonly site: string;
  readonly maxMessageKilobytes: number;
  /** Names that NATS has to be told; `gate-1` to `gate-3` where left out. */
  readonly gateways?: readonly string[];
};

export async function embeddedBroker({
  folder,
  site,
  maxMessageKilobytes,
}: BrokerSettings): Promise<RunningBroker> {
  const lines: string[] = [];
  const log = createLogger({
    ...{ name: 'broker', level: 'warn', format: 'json' },
    destination: { write: (line) => lines.push(line) },
  });
  const start = (port: number): Promise<Broker> =>
    startBroker({
      config: BrokerConfig.parse({
        site,
        host: '127.0.0.1',
        port,
        data: join(folder, 'broker'),
        ca: join(folder, 'ca.pem'),
        certificate: join(folder, 'broker.pem'),
        key: join(folder, 'broker.key'),
        maxMessageKilobytes,
        revoked: join(folder, 'revoked-gateways'),
        log: { level: 'error', format: 'json' },
      }),
      log,
    });
  let broker = await start(0);
  const { port } = broker;
  return {
    port,
    told: () => ({ ...broker.health(), lines }),
    async restart(meanwhile) {
      await broker.close();
      await meanwhile?.();
      broker = await start(port);
    },
    reload() {},
    stop: () => broker.close(),
  };
}

/** The real Mosquitto, with the configuration and the access list of deploy/, other paths and another port. */
export async function mosquitto({
  folder,
  site,
  maxMessageKilobytes,
}: BrokerSettings): Promise<RunningBroker> {
  const port = await freePort(0);
  const shipped = await readFile(join(import.meta.dirname, '../../deploy/mosquitto/mosquitto.conf'), 'utf8');
  const data = join(folder, 'mosquitto');
  await mkdir(data);
  // Started as root it becomes the user mosquitto; here it stays who we are.
  const user = process.geteuid?.() === 0 ? 'user root\n' : '';
  const configuration = shipped
    .replaceAll('/etc/mosquitto/blindsight', folder)
    .replace('/var/lib/mosquitto/', `${data}/`)
    .replace('listener 8883', `${user}listener ${port} 127.0.0.1`)
    .replace('max_packet_size 262144', `max_packet_size ${maxMessageKilobytes * 1024}`);
  const file = join(folder, 'mosquitto.conf');
  await writeFile(file, configuration);
  await writeFile(join(folder, 'acl'), mosquittoAccessList(site));
  await chmod(join(folder, 'acl'), 0o600);

  let child = await run('mosquitto', file, port);
  return {
    port,
    get pid() {
      return child.pid;
    },
    async restart(meanwhile) {
      await end(child);
      await meanwhile?.();
      child = await run('mosquitto', file, port);
    },
    reload: () => void child.kill('SIGHUP'),
    stop: () => end(child),
  };
}

/** The real NATS server, with the configuration and the users of deploy/, other paths and other ports. */
export async function nats(settings: BrokerSettings): Promise<RunningBroker> {
  const { folder } = settings;
  const [port, clientPort] = [await freePort(0), await freePort(0)];
  const file = await writeNats(settings, { name: 'nats', port, clientPort });
  let child = await run('nats-server', file, port, clientPort);
  return {
    port,
    get pid() {
      return child.pid;
    },
    clientPort,
    takesAnySize: true,
    async restart(meanwhile) {
      await end(child);
      await meanwhile?.();
      child = await run('nats-server', file, port, clientPort);
    },
    reload: () =>
      void readFile(join(folder, 'revoked-gateways'), 'utf8')
        .then((withdrawn) => writeUsers(settings, withdrawn.split('\n')))
        .then(() => child.kill('SIGHUP')),
    stop: () => end(child),
  };
}

/** Settings of three of them on loopback, as deploy/nats/cluster.conf has it. */
export async function writeNatsCluster(settings: BrokerSettings) {
  const places = await Promise.all(
    [1, 2, 3].map(async (number) => ({
      ...{ name: `nats-${number}`, port: await freePort(0), clientPort: await freePort(0) },
      routePort: await freePort(0),
    })),
  );
  const shipped = await readFile(join(import.meta.dirname, '../../deploy/nats/cluster.conf'), 'utf8');
  const openssl = shipped.match(/(?<=#\s+)openssl(?:.*\n\s*# {5})*.*/)![0].replace(/\\\n\s*#/g, '');
  const route = openssl.replace('DNS:nats-1.example', 'DNS:localhost').split(/\s+/);
  await promisify(execFile)(route[0]!, route.slice(1), { cwd: settings.folder });
  await copyFile(join(settings.folder, 'route.pem'), join(settings.folder, 'routes.pem'));
  return Promise.all(
    places.map(async ({ routePort, ...place }) => {
      const cluster = shipped
        .replaceAll('/etc/nats/blindsight', settings.folder)
        .replace('0.0.0.0', '127.0.0.1')
        .replace('port: 6222', `port: ${routePort}`)
        .replace(
          /nats-(\d)\.example:6222/g,
          (_, number) => `localhost:${places[Number(number) - 1]!.routePort}`,
        );
      await writeFile(join(settings.folder, `${place.name}-cluster.conf`), cluster);
      const file = await writeNats(settings, place, `include ${place.name}-cluster.conf\n`);
      return { ...place, file };
    }),
  );
}

/** Three servers that run. */
export async function natsCluster(settings: BrokerSettings) {
  const places = await writeNatsCluster(settings);
  const children = await Promise.all(
    places.map(({ file, port, clientPort }) => run('nats-server', file, port, clientPort)),
  );
  return {
    ports: places.map(({ port }) => port),
    clientPorts: places.map(({ clientPort }) => clientPort),
    /** Takes one of them away without a word. */
    async lose(index: number) {
      const child = children[index]!;
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await ended;
    },
    stop: () => Promise.all(children.map(end)),
  };
}

type NatsPlace = { readonly name: string; readonly port: number; readonly clientPort: number };

async function writeNats(
  settings: BrokerSettings,
  { name, port, clientPort }: NatsPlace,
  end = '',
): Promise<string> {
  const { folder, maxMessageKilobytes } = settings;
  const shipped = await readFile(join(import.meta.dirname, '../../deploy/nats/nats-server.conf'), 'utf8');
  const configuration = shipped
    .replaceAll('/etc/nats/blindsight', folder)
    .replace('/var/lib/nats', join(folder, name))
    .replace('0.0.0.0', '127.0.0.1')
    .replace('server_name: blindsight-1', `server_name: ${name}`)
    .replace('port: 8883', `port: ${port}`)
    .replace('port: 4222', `port: ${clientPort}`)
    .replace('mqtt {', end === '' ? 'mqtt {' : 'mqtt {\n  stream_replicas: 3')
    .replace('max_payload: 262144', `max_payload: ${maxMessageKilobytes * 1024}`);
  const file = join(folder, `${name}.conf`);
  await writeFile(file, configuration + end);
  await writeUsers(settings, []);
  return file;
}

async function writeUsers(
  { folder, site, gateways = ['gate-1', 'gate-2', 'gate-3'] }: BrokerSettings,
  withdrawn: readonly string[],
): Promise<void> {
  const names = gateways.filter((name) => !withdrawn.includes(name));
  await writeFile(join(folder, 'users.conf'), natsUsers(site, names));
}

/** A Mosquitto on loopback that anybody may use, as people have one at home. @param lines of its settings besides */
export async function homeMosquitto(
  folder: string,
  lines: string,
): Promise<Pick<RunningBroker, 'port' | 'stop'>> {
  const port = await freePort(0);
  const file = join(folder, 'home.conf');
  const user = process.geteuid?.() === 0 ? 'user root\n' : '';
  await writeFile(file, `${user}listener ${port} 127.0.0.1\nallow_anonymous true\n${lines}\n`);
  const child = await run('mosquitto', file, port);
  return { port, stop: () => end(child) };
}

/** @param ports all of which it listens on once it is there; it may open them one after the other */
async function run(
  program: 'mosquitto' | 'nats-server',
  file: string,
  ...ports: readonly number[]
): Promise<ChildProcess> {
  const path = `${process.env.PATH}:/usr/sbin:/usr/local/sbin`;
  const child = spawn(program, ['-c', file], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { PATH: path },
  });
  let said = '';
  child.stderr?.on('data', (data) => {
    said += data;
  });
  let failure: Error | null = null;
  child.once('error', (error) => {
    failure = error;
  });
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    if (failure) throw failure;
    const how = child.exitCode ?? child.signalCode;
    if (how !== null) throw new Error(`${program} ended with ${how}: ${said}`);
    if ((await Promise.all(ports.map(answers))).every(Boolean)) return child;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  await end(child);
  throw new Error(`${program} does not listen: ${said}`);
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  // 2.9 of NATS does not hear it any more once it found its disk full.
  const kill = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
  await ended;
  clearTimeout(kill);
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
