import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { loadConfig } from '#config/load.ts';
import { BackendConfig } from '#config/schema.ts';
import { type Clock, systemClock } from '#runtime/clock.ts';
import { createLogger } from '#runtime/log.ts';
import { type RunningBackend, runBackend } from '../main.ts';
import { initializeSite } from '../operations/initialize-site.ts';
import { SiteView } from '../results/site-view.ts';
import { openPostgresql } from '../store/postgresql.ts';
import { type PostgresCluster, startPostgres } from '../testing/postgres-cluster.ts';
import type { BackendRole } from './backend-roles.ts';

const log = createLogger({ name: 'test', level: 'error', format: 'json', destination: { write: () => {} } });
const WAIT = { timeout: 120_000, interval: 50 };

describe('a process with some roles', () => {
  let cluster: PostgresCluster;
  let url: string;
  let folder: string;
  let config: BackendConfig;
  let backend: RunningBackend | null;
  beforeAll(async () => {
    cluster = await startPostgres();
  });
  afterAll(() => cluster.stop());
  beforeEach(async () => {
    backend = null;
    folder = mkdtempSync(join(tmpdir(), 'blindsight-process-'));
    url = await cluster.createDatabase();
    const postgresqlUrlFile = join(folder, 'postgresql.url');
    writeFileSync(postgresqlUrlFile, url, { mode: 0o600 });
    // Nobody listens there.
    const ports = { brokerPort: 1, apiPort: 0 };
    const { configFile } = await initializeSite(join(folder, 'site'), 'yard', {
      ...ports,
      postgresqlUrlFile,
    });
    config = await loadConfig(configFile, BackendConfig);
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    await backend?.close();
    rmSync(folder, { recursive: true });
  });

  const start = async (role: BackendRole, clock: Clock = systemClock) => {
    const { signal } = new AbortController();
    backend = await runBackend({ config, log, signal, roles: new Set([role]), clock });
    return backend;
  };

  it.each(['deployer', 'auditor'] as const)(
    '%s does not wait for decryptors, however long none lives',
    async (role) => {
      let laterMs = 0;
      const clock = { ...systemClock, monotonic: () => systemClock.monotonic() + laterMs };
      const { isStuck } = await start(role, clock);
      expect(isStuck()).toBe(false);
      laterMs = 61_000;
      expect(isStuck()).toBe(false);
    },
  );

  it('api keeps its role while it reads the site', async () => {
    const database = await openPostgresql(url);
    const heldUntil = async () => {
      const [row] = await database.all<{ until: number }>(
        `SELECT until_ms AS "until" FROM leases WHERE name = 'role/api'`,
      );
      return row!.until;
    };
    const { load } = SiteView.prototype;
    let isProlonged = false;
    vi.spyOn(SiteView.prototype, 'load').mockImplementation(async function (this: SiteView) {
      const taken = await heldUntil();
      await vi.waitFor(async () => expect(await heldUntil()).toBeGreaterThan(taken), WAIT);
      isProlonged = true;
      await load.call(this);
    });
    await start('api');
    expect(isProlonged).toBe(true);
    await database.close();
  });

  it('decryptor closes everything while PostgreSQL is away', async () => {
    const { close } = await start('decryptor');
    await cluster.crash();
    try {
      await close();
      backend = null;
    } finally {
      await cluster.restart();
    }
  });
});
