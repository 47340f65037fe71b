import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { chmod, chown, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import { freePort } from '#runtime/ports.ts';

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
  /** Folder of its socket. */
  readonly host: string;
  /** Makes an empty database. @returns its postgresql:// address. */
  createDatabase(): Promise<string>;
  /** Ends the server at once, as a crash would: clients lose their connections, what was committed stays. @param how SIGINT as a service manager does it, SIGQUIT where left out */
  crash(how?: 'SIGINT' | 'SIGQUIT'): Promise<void>;
  /** Starts the server again after {@link crash}. */
  restart(): Promise<void>;
  /** Starts another server that follows this one, which from then on says that something is committed only when both have it. */
  standBy(): Promise<PostgresStandby>;
  stop(): Promise<void>;
};

const INSIST_MS = 20_000;

export type PostgresStandby = {
  /** Folder of its socket: what an address names in place of, or beside, that of the first server. */
  readonly host: string;
  /** Makes it the one that writes. */
  promote(): Promise<void>;
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
  const port = tls === undefined ? null : await freePort(0);
  const settings = [
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
  const launch = (from = data, host = folder) =>
    spawn(
      join(bin, 'postgres'),
      ['-D', from, ...[...settings, `unix_socket_directories=${host}`].flatMap((setting) => ['-c', setting])],
      { stdio: 'ignore', ...options },
    );
  let server: ChildProcess = launch();
  const address = (database: string, host = folder) =>
    `postgresql://blindsight@/${database}?host=${encodeURIComponent(host)}${port === null ? '' : `&port=${port}`}`;
  const query = async (sql: string, host = folder) => {
    const client = new pg.Client({ connectionString: address('postgres', host) });
    await client.connect();
    try {
      return (await client.query(sql)).rows as Record<string, unknown>[];
    } finally {
      await client.end();
    }
  };
  const ready = async (process = server, host = folder) => {
    for (let attempt = 0; ; attempt++) {
      try {
        return await query('SELECT 1', host);
      } catch (error) {
        if (attempt > 2_400 || process.exitCode !== null) throw error;
        await delay(50);
      }
    }
  };
  const end = async (signal: NodeJS.Signals, process = server) => {
    const closed = once(process, 'close');
    process.kill(signal);
    // PostgreSQL 15, told to end while it recovered, has been seen to wait for its checkpointer for ever: insist, as a service manager does.
    const insisting = setTimeout(() => process.kill('SIGQUIT'), INSIST_MS);
    await closed;
    clearTimeout(insisting);
  };
  let follower: ChildProcess | null = null;
  await ready();
  let count = 0;
  return {
    port,
    host: folder,
    get pid() {
      return server.pid;
    },
    async createDatabase() {
      count += 1;
      await query(`CREATE DATABASE test${count}`);
      return address(`test${count}`);
    },
    crash: (how = 'SIGQUIT') => end(how),
    async restart() {
      server = launch();
      await ready();
    },
    async standBy() {
      const host = join(folder, 'standby');
      const copy = join(host, 'data');
      await mkdir(host, { mode: 0o711 });
      if (user !== null) await chown(host, user.uid, user.gid);
      const from = ['-h', folder, '-U', 'blindsight', ...(port === null ? [] : ['-p', String(port)])];
      const how = ['--wal-method=stream', '--checkpoint=fast', '--write-recovery-conf', '--no-sync'];
      await run(join(bin, 'pg_basebackup'), [...from, '-D', copy, ...how], options);
      follower = launch(copy, host);
      await ready(follower, host);
      await query("ALTER SYSTEM SET synchronous_standby_names = '*'");
      await query('SELECT pg_reload_conf()');
      const follows = "SELECT FROM pg_stat_replication WHERE sync_state = 'sync'";
      for (let attempt = 0; (await query(follows)).length === 0; attempt++) {
        if (attempt > 2_400) throw new Error('the standby does not follow');
        await delay(50);
      }
      return {
        host,
        async promote() {
          await query('SELECT pg_promote()', host);
        },
      };
    },
    async stop() {
      if (follower !== null && follower.exitCode === null && follower.signalCode === null)
        await end('SIGINT', follower);
      if (server.exitCode === null && server.signalCode === null) await end('SIGINT');
      await rm(folder, { recursive: true });
    },
  };
}
