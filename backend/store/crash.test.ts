import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openSqlite } from './sqlite.ts';
import { Store } from './store.ts';

const CHILD = fileURLToPath(new URL('../testing/crash-child.ts', import.meta.url));
const ROUNDS = 8;

describe('a store whose process is killed', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'blindsight-crash-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  /** Runs the child for a random time, kills it, and gives back what it had said. */
  async function runAndKill(file: string): Promise<{ stored: number[]; settled: number[] }> {
    const child = spawn(process.execPath, [CHILD, file], { stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    while (!said.includes('ready')) await delay(5);
    await delay(20 + Math.random() * 150);
    child.kill('SIGKILL');
    await once(child, 'close');
    // The last line may be cut; what was not said whole was not promised.
    const lines = said.split('\n').slice(0, -1);
    const numbers = (word: string) =>
      lines.filter((line) => line.startsWith(word)).map((line) => Number(line.slice(word.length)));
    return { stored: numbers('stored '), settled: numbers('settled ') };
  }

  it('has lost nothing that was promised, and settled nothing twice', async () => {
    const file = join(folder, 'blindsight.db');
    let highest = -1;
    const settledBefore = new Set<number>();
    for (let round = 0; round < ROUNDS; round++) {
      const { stored, settled } = await runAndKill(file);
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
      // Results, counter and position are written together: they can never tell different stories.
      expect((await store.counters.all()).accepted ?? 0).toBe(inResults.size);
      expect((await store.gateways.get('gate'))?.last.sequence).toBe(Math.max(-1, ...inResults));
      highest = Math.max(highest, ...inInbox, ...inResults);
      await store.settings.set('next', String(highest + 1));
      await store.close();
    }
    expect(settledBefore.size).toBeGreaterThan(ROUNDS);
  }, 60_000);
});
