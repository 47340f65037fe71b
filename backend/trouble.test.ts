import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { loadConfig } from '#config/load.ts';
import { BackendConfig } from '#config/schema.ts';
import type { JournalEntry, SiteState } from '#protocol/api.ts';
import { readSecretFile } from '#runtime/files.ts';
import { createLogger } from '#runtime/log.ts';
import { mountSmallDisk, NO_MOUNT } from '#runtime/testing/small-disk.ts';
import { type RunningBackend, runBackend } from './main.ts';
import { initializeSite } from './operations/initialize-site.ts';
import { openStore } from './store/open.ts';
import { openPostgresql } from './store/postgresql.ts';
import { startPostgres } from './testing/postgres-cluster.ts';

const WAIT = { timeout: 60_000, interval: 100 };

/** A running backend, asked from outside as a page and a monitor would. */
describe('the backend whose store is in trouble', () => {
  let backend: RunningBackend | null = null;
  let lines: string[];
  const cleanUps: (() => void)[] = [];
  afterEach(async () => {
    await backend?.close();
    for (const cleanUp of cleanUps.splice(0)) cleanUp();
  });

  async function start(configFile: string): Promise<BackendConfig> {
    lines = [];
    const destination = { write: (line: string) => lines.push(line) };
    const log = createLogger({ name: 'test', level: 'info', format: 'json', destination });
    const config = await loadConfig(configFile, BackendConfig);
    backend = await runBackend({ config, log, signal: new AbortController().signal });
    return config;
  }

  const fetched = (path: string) => fetch(`http://127.0.0.1:${backend?.port}${path}`);
  const health = async () => {
    const response = await fetched('/healthz');
    return { http: response.status, ...((await response.json()) as object) };
  };
  const state = async () => (await (await fetched('/api/state')).json()) as SiteState;
  /** But for the link, which gives it as the cause why it is down: there is no broker in this test. */
  const about = (code: string) =>
    lines.filter((line) => line.includes(`"code":"${code}"`) && !line.includes('no link'));

  it('says that its disk is full, once and everywhere, and recovers by itself', async ({ skip }) => {
    const disk = mountSmallDisk(16);
    if (disk === null) return skip(NO_MOUNT);
    cleanUps.push(() => disk.unmount());
    const { configFile } = await initializeSite(join(disk.folder, 'site'), 'yard', { apiPort: 0 });
    const config = await start(configFile);
    const broker = expect.objectContaining({ connected: false });
    await vi.waitFor(
      async () => expect(await health()).toEqual({ http: 200, status: 'ok', waiting: 0, broker }),
      WAIT,
    );
    disk.fill();
    const trouble = { code: 'DISK_FULL', message: expect.stringContaining('disk of the backend is full') };
    await vi.waitFor(async () => expect((await state()).trouble).toMatchObject(trouble), WAIT);
    expect(await health()).toEqual({
      http: 503,
      status: 'troubled',
      code: 'DISK_FULL',
      reason: trouble.message,
      waiting: 0,
      broker,
    });
    const metrics = await (await fetched('/metrics')).text();
    expect(metrics).toContain('blindsight_store_trouble{code="DISK_FULL"} 1');
    expect(metrics).toContain('blindsight_inbox_waiting 0');
    // Somebody else fails on it too: nothing more is said.
    const other = await openStore(config.store);
    await expect(other.settings.set('large', 'x'.repeat(2 ** 21))).rejects.toMatchObject({
      code: 'DISK_FULL',
    });
    await other.close();
    await new Promise((resolve) => setTimeout(resolve, 4_500));
    expect(about('DISK_FULL')).toHaveLength(1);

    disk.empty();
    await vi.waitFor(async () => expect(await health()).toMatchObject({ http: 200, status: 'ok' }), WAIT);
    expect(await state()).not.toHaveProperty('trouble');
    expect(about('DISK_FULL')).toHaveLength(2);
    expect(lines.join('')).not.toContain('no transaction is active');
    const journal = (await (await fetched('/api/journal')).json()) as JournalEntry[];
    expect(journal).toMatchObject([{ code: 'DISK_FULL', subject: 'backend', level: 'warn' }]);
  });

  it('outlives a PostgreSQL that goes away: it says so, keeps the page, and goes on', async () => {
    const cluster = await startPostgres();
    const folder = mkdtempSync(join(tmpdir(), 'blindsight-trouble-'));
    cleanUps.push(() => rmSync(folder, { recursive: true }));
    const urlFile = join(folder, 'url');
    writeFileSync(urlFile, `${await cluster.createDatabase()}\n`, { mode: 0o600 });
    const { configFile } = await initializeSite(join(folder, 'site'), 'yard', {
      apiPort: 0,
      postgresqlUrlFile: urlFile,
    });
    rmSync(urlFile); // It was copied.
    const config = await start(configFile);
    expect(config.store.kind).toBe('postgresql');
    await vi.waitFor(async () => expect((await state()).gateways).toEqual([]), WAIT);
    await cluster.crash();
    await vi.waitFor(
      async () => expect(await health()).toMatchObject({ http: 503, status: 'troubled' }),
      WAIT,
    );
    const trouble = {
      code: 'STORE_UNAVAILABLE',
      message: expect.stringContaining('PostgreSQL does not answer'),
    };
    await vi.waitFor(async () => expect((await state()).trouble).toMatchObject(trouble), WAIT);
    expect(await (await fetched('/metrics')).text()).toContain(
      'blindsight_store_trouble{code="STORE_UNAVAILABLE"} 1',
    );
    await new Promise((resolve) => setTimeout(resolve, 4_500));
    expect(about('STORE_UNAVAILABLE')).toHaveLength(1);
    await cluster.restart();
    await vi.waitFor(async () => expect(await health()).toMatchObject({ http: 200, status: 'ok' }), WAIT);
    expect(about('STORE_UNAVAILABLE')).toHaveLength(2);

    // It answers, and takes no writes.
    const url = Buffer.from(await readSecretFile((config.store as { urlFile: string }).urlFile)).toString(
      'utf8',
    );
    const setReadOnly = async (value: 'on' | 'off') => {
      const options = encodeURIComponent('-c default_transaction_read_only=off');
      const admin = await openPostgresql(`${url.trim()}&options=${options}`);
      await admin.run(`ALTER SYSTEM SET default_transaction_read_only = ${value}`);
      await admin.run('SELECT pg_reload_conf()');
      await admin.close();
    };
    await setReadOnly('on');
    await vi.waitFor(
      async () => expect(await health()).toMatchObject({ http: 503, code: 'STORE_READ_ONLY' }),
      WAIT,
    );
    expect(await (await fetched('/metrics')).text()).toContain(
      'blindsight_store_trouble{code="STORE_READ_ONLY"} 1',
    );
    await setReadOnly('off');
    await vi.waitFor(async () => expect(await health()).toMatchObject({ http: 200, status: 'ok' }), WAIT);
    await backend?.close();
    backend = null;
    await cluster.stop();
  });
});
