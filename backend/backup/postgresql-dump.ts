import { execFile } from 'node:child_process';
import { chmod } from 'node:fs/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import { BlindsightError } from '#protocol/errors.ts';
import { isThisMachine } from '../store/postgresql-address.ts';
import { addressesOf } from '../store/postgresql-servers.ts';

const run = promisify(execFile);

/** What pg makes of an address; its types leave this out. */
type Parameters = {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password?: string | null;
  readonly database: string;
};

/** Where libpq looks for authorities that it is not told of; pg brings its own. */
const AUTHORITIES = '/etc/ssl/certs/ca-certificates.crt';

/**
 * Copies a database as it is at one moment to a file, while it is in use, as pg_dump does.
 *
 * @throws BlindsightError DATABASE_COPY where the program is missing or fails
 */
export async function dumpPostgresql(url: string, file: string): Promise<void> {
  await use('pg_dump', url, ['--format=custom', '--no-owner', '--no-privileges', `--file=${file}`]);
  await chmod(file, 0o600);
}

/**
 * Fills an empty database with what {@link dumpPostgresql} copied: all of it, or nothing.
 *
 * @throws BlindsightError DATABASE_COPY where the program is missing or fails
 */
export async function restorePostgresql(url: string, file: string): Promise<void> {
  const whole = ['--no-owner', '--no-privileges', '--exit-on-error', '--single-transaction'];
  await use('pg_restore', url, [...whole, `--dbname=${parametersOf(url)[0]!.database}`, file]);
}

async function use(program: string, url: string, words: readonly string[]): Promise<void> {
  try {
    await run(program, [...words], { env: { ...process.env, ...settingsOf(url) }, maxBuffer: 2 ** 26 });
  } catch (cause) {
    const { code, stderr } = cause as { code?: unknown; stderr?: string };
    const why =
      code === 'ENOENT'
        ? 'it is not installed (package postgresql-client)'
        : (stderr ?? String(cause)).trim();
    throw new BlindsightError('DATABASE_COPY', `${program}: ${why}`, { cause });
  }
}

function parametersOf(url: string): readonly Parameters[] {
  return addressesOf(url).map((connectionString) => {
    const client = new pg.Client({ connectionString }) as unknown as { connectionParameters: Parameters };
    return client.connectionParameters;
  });
}

/** For libpq, in the environment: others can read the words of a command. */
function settingsOf(url: string): Record<string, string> {
  const servers = parametersOf(url);
  const { user, password, database } = servers[0]!;
  const asked = new URLSearchParams(/\?([^#]*)/.exec(url)?.[1] ?? '');
  const files = {
    PGSSLROOTCERT: 'sslrootcert',
    PGSSLCERT: 'sslcert',
    PGSSLKEY: 'sslkey',
    PGOPTIONS: 'options',
  };
  const given = Object.entries(files).flatMap(([name, parameter]) => {
    const value = asked.get(parameter);
    return value === null ? [] : [[name, value] as const];
  });
  // As the store connects: see checkPostgresqlAddress. What pg calls `require` libpq calls so.
  const isFar = servers.some(({ host }) => !isThisMachine(host));
  return {
    PGHOST: servers.map(({ host }) => host).join(','),
    PGPORT: servers.map(({ port }) => String(port)).join(','),
    PGUSER: user,
    PGDATABASE: database,
    ...(password && { PGPASSWORD: password }),
    ...(servers.length > 1 && { PGTARGETSESSIONATTRS: 'read-write' }),
    ...(isFar && { PGSSLMODE: 'verify-full', PGSSLROOTCERT: AUTHORITIES }),
    ...Object.fromEntries(given),
  };
}
