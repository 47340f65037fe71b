import pg from 'pg';
import { BlindsightError } from '#protocol/errors.ts';

/** PostgreSQL refuses to write: a standby, or a server that was told to. */
export const READ_ONLY = '25006';

/**
 * The addresses of each server in one, as libpq has them: several in place of one, separated by commas, with a port each; also in `host` and `port` of its query.
 *
 * @returns addresses that pg understands, in order
 */
export function addressesOf(url: string): readonly string[] {
  const parts = /^(postgres(?:ql)?:\/\/(?:[^/?#]*@)?)([^/?#]*)([^?#]*)(\?[^#]*)?/.exec(url);
  if (parts === null) return [url];
  const [, start = '', authority = '', path = '', search = ''] = parts;
  const asked = new URLSearchParams(search.slice(1));
  // Of our own, and always so where there are several.
  const target = asked.get('target_session_attrs');
  if (target !== null && target !== 'read-write' && target !== 'primary' && target !== 'any')
    throw new BlindsightError(
      'STORE_ADDRESS',
      'target_session_attrs in the address of PostgreSQL: a store writes, so read-write is all that it can be',
    );
  asked.delete('target_session_attrs');
  const [hosts, ports] = [asked.get('host')?.split(',') ?? [], asked.get('port')?.split(',') ?? []];
  const servers = authority.split(',');
  const count = Math.max(servers.length, hosts.length);
  if (count === 1 && target === null) return [url];
  for (const several of [servers, hosts, ports])
    if (several.length > 1 && several.length !== count)
      throw new BlindsightError(
        'STORE_ADDRESS',
        `the address of PostgreSQL names ${count} servers and ${several.length} ports or hosts`,
      );
  return Array.from({ length: count }, (_, index) => {
    const own = new URLSearchParams(asked);
    if (hosts.length > 0) own.set('host', hosts[index] ?? hosts[0]!);
    if (ports.length > 0) own.set('port', ports[index] ?? ports[0]!);
    const query = own.toString();
    return `${start}${servers[index] ?? servers[0]!}${path}${query === '' ? '' : `?${query}`}`;
  });
}

/**
 * Connections to the one of several servers that writes. Which one that is, is asked with each new connection; where it is gone or writes no more, the next one is
 * tried. So after a failover the connections that break lead to the server that took over, without a proxy in between.
 */
export class PostgresServers {
  readonly #pools: readonly pg.Pool[];
  #current = 0;

  /** @param settings of each pool, but for its address */
  constructor(addresses: readonly string[], { onConnect, ...settings }: pg.PoolConfig) {
    const isOne = addresses.length === 1;
    this.#pools = addresses.map((connectionString) => {
      const pool = new pg.Pool({
        ...settings,
        connectionString,
        onConnect: async (client) => {
          await onConnect?.(client);
          if (!isOne) await refuseReadOnly(client);
        },
      });
      // A client that loses its server must not end the process, idle or in a transaction: the next query reports it.
      pool.on('error', () => {});
      pool.on('connect', (client) => client.on('error', () => {}));
      return pool;
    });
  }

  /**
   * A connection, to be released.
   *
   * @throws where none can be used: what a server said that is there and refuses; that one takes no writes where the others are away; else what was found first
   */
  async connect(): Promise<pg.PoolClient> {
    const first = this.#current;
    const failures: unknown[] = [];
    for (let tried = 0; tried < this.#pools.length; tried++) {
      const index = (first + tried) % this.#pools.length;
      try {
        const client = await this.#pools[index]!.connect();
        this.#current = index;
        return client;
      } catch (error) {
        // All connections to the server that writes are in use: no other one can stand in for it.
        if (isBusy(error)) throw error;
        failures.push(error);
      }
    }
    // That there is a standby says something only where the others are away: beside a server that is there, full or with another password, nobody may promote it.
    throw (
      failures.find((error) => !isReadOnly(error) && !isAway(error)) ??
      failures.find(isReadOnly) ??
      failures[0]
    );
  }

  async end(): Promise<void> {
    await Promise.all(this.#pools.map((pool) => pool.end()));
  }
}

export function isReadOnly(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === READ_ONLY;
}

/** pg-pool's words where all its connections are in use for too long. */
function isBusy(error: unknown): boolean {
  return error instanceof Error && error.message === 'timeout exceeded when trying to connect';
}

/** Not reached over the network, or on its way up or down. */
const AWAY =
  /^(08\w{3}|57P0\w|ECONN\w+|ENOENT|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|EHOSTDOWN|ENOTFOUND|EAI_AGAIN)$/;
/** Of pg and pg-pool, which give them no code. */
const AWAY_WORDS = /^Connection terminated|^timeout expired$/i;

function isAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  // A name with several addresses: one failure for each.
  if (error instanceof AggregateError) return error.errors.every(isAway);
  if ('code' in error && typeof error.code === 'string') return AWAY.test(error.code);
  return AWAY_WORDS.test(error.message);
}

async function refuseReadOnly(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query('SHOW transaction_read_only');
  if ((rows as { transaction_read_only: string }[])[0]?.transaction_read_only !== 'on') return;
  throw Object.assign(new Error('the server is a standby, or was told not to write'), { code: READ_ONLY });
}
