import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Aedes } from 'aedes';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Result } from '#protocol/messages.ts';
import { seededDelays } from '#runtime/testing/seeded-delays.ts';
import { openSqlite } from './sqlite.ts';
import { Store } from './store.ts';

const CHILD = fileURLToPath(new URL('../testing/crash-child.ts', import.meta.url));
const ROUNDS = 8;
/** On a busy machine a child may be killed before it has settled anything. */
const MOST_ROUNDS = 40;

describe('a store whose process is killed', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'blindsight-crash-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  /** Runs the child until `lasts` resolves, kills it, and returns its output. */
  async function runAndKill(
    file: string,
    lasts: (hasSettled: () => boolean) => Promise<unknown>,
    broker: readonly string[] = [],
  ): Promise<{ stored: number[]; settled: number[] }> {
    const child = spawn(process.execPath, [CHILD, file, ...broker], { stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    const closed = once(child, 'close');
    try {
      while (!said.includes('ready')) await delay(5);
      await lasts(() => said.includes('settled'));
    } finally {
      child.kill('SIGKILL');
      await closed;
    }
    // The last line may be cut off; an incomplete line promises nothing.
    const lines = said.split('\n').slice(0, -1);
    const numbers = (word: string) =>
      lines.filter((line) => line.startsWith(word)).map((line) => Number(line.slice(word.length)));
    return { stored: numbers('stored '), settled: numbers('settled ') };
  }

  it('has lost nothing that was promised, and settled nothing twice', async () => {
    const file = join(folder, 'blindsight.db');
    let highest = -1;
    const settledBefore = new Set<number>();
    for (const [round, delayMs] of seededDelays(MOST_ROUNDS, 150).entries()) {
      if (round >= ROUNDS && settledBefore.size > ROUNDS) break;
      const { stored, settled } = await runAndKill(file, () => delay(20 + delayMs));
      const database = openSqlite(file);
      const store = new Store(database);
      const waiting = await database.all<{ digest: string; attempts: number }>(
        'SELECT digest, attempts FROM inbox',
      );
      const results = await database.all<{ sequence: number }>('SELECT sequence FROM results');
      const inInbox = new Set(waiting.map((row) => Number(row.digest)));
      const inResults = new Set(results.map((row) => row.sequence));
      expect(await database.all('PRAGMA integrity_check')).toEqual([{ integrity_check: 'ok' }]);

      for (const sequence of stored) {
        expect(inInbox.has(sequence) !== inResults.has(sequence), `sequence ${sequence} in one place`).toBe(
          true,
        );
      }
      for (const sequence of settled) {
        expect(inResults.has(sequence), `result ${sequence}`).toBe(true);
        expect(settledBefore.has(sequence), `result ${sequence} twice`).toBe(false);
        settledBefore.add(sequence);
      }
      // Results, counter and position are written together: they can never disagree.
      expect((await store.counters.all()).accepted ?? 0).toBe(inResults.size);
      expect((await store.gateways.get('gate'))?.last.sequence).toBe(Math.max(-1, ...inResults));
      highest = Math.max(highest, ...inInbox, ...inResults);
      await store.settings.set('next', String(highest + 1));
      await store.close();
    }
    expect(settledBefore.size).toBeGreaterThan(ROUNDS);
  });

  it('publishes everything that it ever settled, though killed at any moment and without a broker at times', async () => {
    const file = join(folder, 'blindsight.db');
    const aedes = await Aedes.createBroker();
    const published: number[] = [];
    aedes.on('publish', ({ topic, payload }, client) => {
      if (client !== null && topic === 'blindsight/v1/yard/results/door') {
        published.push((JSON.parse(payload.toString()) as Result).sequence);
      }
    });
    const server = createServer((socket) => void aedes.handle(socket));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const nowhere = 'mqtt://127.0.0.1:1';
    const settled: number[] = [];
    for (const [round, delayMs] of seededDelays(ROUNDS, 150).entries()) {
      const broker = round % 2 === 0 ? url : nowhere;
      const run = await runAndKill(
        file,
        async (hasSettled) => {
          while (!hasSettled()) await delay(5);
          await delay(delayMs);
        },
        [broker],
      );
      settled.push(...run.settled);
      const store = new Store(openSqlite(file));
      await store.settings.set('next', String(Math.max(-1, ...run.stored, ...settled) + 1));
      await store.close();
    }
    const missing = () => {
      const sent = new Set(published);
      return settled.filter((sequence) => !sent.has(sequence));
    };
    expect(missing(), 'the last round without a broker left some').not.toEqual([]);
    const allSent = () => vi.waitFor(() => expect(missing()).toEqual([]), { timeout: 120_000, interval: 20 });
    await runAndKill(file, allSent, [url]);
    server.close();
    await new Promise<void>((resolve) => aedes.close(resolve));
  });
});
