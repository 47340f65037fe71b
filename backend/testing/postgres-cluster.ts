import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { chmod, chown, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';

const run = promisify(execFile);
const ROOT = '/usr/lib/postgresql';

/** Where Debian keeps the newest PostgreSQL that is installed. */
function findBinaries(): string {
  const versions = existsSync(ROOT) ? readdirSync(ROOT).sort((a, b) => Number(b) - Number(a)) : [];
  const folder = versions
    .map((version) => join(ROOT, version, 'bin'))
    .find((bin) => existsSync(join(bin, 'initdb')));
  if (folder === undefined) throw new Error('PostgreSQL is not installed: apt-get install postgresql');
  return folder;
}

/** PostgreSQL refuses to run as root; then its own user runs it. */
async function serverUser(): Promise<{ uid: number; gid: number } | null> {
  if (process.getuid?.() !== 0) return null;
  const number = async (flag: string) => Number((await run('id', [flag, 'postgres'])).stdout);
  return { uid: await number('-u'), gid: await number('-g') };
}

export type PostgresCluster = {
  /** Where it also listens with TLS, if it was asked to. */
  readonly port: number | null;
  readonly pid: number | undefined;
  /** Makes an empty database. @returns its postgresql:// address. */
  createDatabase(): Promise<string>;
  /** Ends the server at once, as a crash would: clients lose their connections, what was committed stays. */
  crash(): Promise<void>;
  /** Starts the server again after {@link crash}. */
  restart(): Promise<void>;
  stop(): Promise<void>;
};

/**
 * Starts a PostgreSQL cluster of its own in a temporary folder, on a Unix socket there and on no network.
 *
 * @param durable whether it syncs what is committed to the disk
 * @param tls PEM with which it listens on 127.0.0.1, too, and takes nobody there who does not use TLS
 */
export async function startPostgres(
  tls?: { readonly certificate: string; readonly key: string },
  { durable = false }: { readonly durable?: boolean } = {},
): Promise<PostgresCluster> {
  const bin = findBinaries();
  const user = await serverUser();
  const folder = await mkdtemp(join(tmpdir(), 'blindsight-postgres-'));
  await chmod(folder, 0o711);
  if (user !== null) await chown(folder, user.uid, user.gid);
  const data = join(folder, 'data');
  const options = { cwd: folder, ...user };
  await run(
    join(bin, 'initdb'),
    ['-D', data, '-U', 'blindsight', '-A', 'trust', '-E', 'UTF8', '--no-sync'],
    options,
  );
  const port = tls === undefined ? null : await freePort();
  const settings = [
    `unix_socket_directories=${folder}`,
    `fsync=${durable ? 'on' : 'off'}`,
    'max_connections=50',
    ...(port === null ? ['listen_addresses='] : ['listen_addresses=127.0.0.1', `port=${port}`, 'ssl=on']),
  ];
  if (tls !== undefined) {
    const files = { 'server.crt': tls.certificate, 'server.key': tls.key };
    for (const [name, text] of Object.entries(files)) {
      await writeFile(join(data, name), text, { mode: 0o600 });
      if (user !== null) await chown(join(data, name), user.uid, user.gid);
    }
    await writeFile(join(data, 'pg_hba.conf'), 'local all all trust\nhostssl all all 127.0.0.1/32 trust\n');
  }
  const launch = () =>
    spawn(join(bin, 'postgres'), ['-D', data, ...settings.flatMap((setting) => ['-c', setting])], {
      stdio: 'ignore',
      ...options,
    });
  let server: ChildProcess = launch();
  const address = (database: string) =>
    `postgresql://blindsight@/${database}?host=${encodeURIComponent(folder)}${port === null ? '' : `&port=${port}`}`;
  const query = async (sql: string) => {
    const client = new pg.Client({ connectionString: address('postgres') });
    await client.connect();
    try {
      await client.query(sql);
    } finally {
      await client.end();
    }
  };
  const ready = async () => {
    for (let attempt = 0; ; attempt++) {
      try {
        return await query('SELECT 1');
      } catch (error) {
        if (attempt > 2_400 || server.exitCode !== null) throw error;
        await delay(50);
      }
    }
  };
  const end = async (signal: NodeJS.Signals) => {
    const closed = once(server, 'close');
    server.kill(signal);
    await closed;
  };
  await ready();
  let count = 0;
  return {
    port,
    get pid() {
      return server.pid;
    },
    async createDatabase() {
      count += 1;
      await query(`CREATE DATABASE test${count}`);
      return address(`test${count}`);
    },
    crash: () => end('SIGQUIT'),
    async restart() {
      server = launch();
      await ready();
    },
    async stop() {
      if (server.exitCode === null && server.signalCode === null) await end('SIGINT');
      await rm(folder, { recursive: true });
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
