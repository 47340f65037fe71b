import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { systemClock } from '#runtime/clock.ts';
import { createLogger } from '#runtime/log.ts';
import { migrate } from '../store/migrations.ts';
import { openPostgresql } from '../store/postgresql.ts';
import { SHARDS, shardOf } from '../store/shard-of.ts';
import { Store } from '../store/store.ts';
import { type PostgresCluster, startPostgres } from '../testing/postgres-cluster.ts';
import { GatewayShards } from './gateway-shards.ts';

const CHILD = fileURLToPath(new URL('../testing/stopping-child.ts', import.meta.url));
const WAIT = { timeout: 120_000, interval: 50 };
const log = createLogger({ name: 'test', level: 'error', format: 'json', destination: { write: () => {} } });

describe('a decryptor that is stopped while it settles', () => {
  let cluster: PostgresCluster;
  beforeAll(async () => {
    cluster = await startPostgres();
  });
  afterAll(() => cluster.stop());

  it('keeps nobody from settling for longer than its lease, and goes on when it is let', async () => {
    const url = await cluster.createDatabase();
    const database = await openPostgresql(url);
    await migrate(database);
    const store = new Store(database);
    const [gateway, other] = ['gate-0', 'gate-1'];
    expect(shardOf(gateway!)).not.toBe(shardOf(other!));
    const child = spawn(process.execPath, [CHILD, url, gateway!], { stdio: ['pipe', 'pipe', 'inherit'] });
    const ended = once(child, 'close');
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    try {
      await vi.waitFor(() => expect(said).toBe('inside\n'), WAIT);
      child.kill('SIGSTOP');
      await store.leases.take('decryptor/one', 'one', 0);
      const two = new GatewayShards({ store, holder: 'two', clock: systemClock, log });
      // It waits for nothing that the other one has locked.
      expect(await two.balance()).toBe(true);
      expect(two.mine).toHaveLength(SHARDS - 1);
      expect(two.mine).not.toContain(shardOf(gateway!));
      await store.settling(async (inside) => {
        await two.confirm(inside, [other!]);
        await inside.counters.add('accepted');
      });
      await vi.waitFor(async () => {
        await two.balance();
        expect(two.mine).toHaveLength(SHARDS);
      }, WAIT);
      child.stdin.write('go on\n');
      child.kill('SIGCONT');
      await ended;
      expect(said).toBe('inside\nfirst: STORE_UNAVAILABLE\nsecond: written\n');
      expect(await store.counters.all()).toEqual({ accepted: 11 });
    } finally {
      child.kill('SIGKILL');
      await ended;
      await store.close();
    }
  });
});
