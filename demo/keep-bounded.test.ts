import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { rotate } from './keep-bounded.ts';

const WAIT = { timeout: 60_000 };

it('moves a log that is too large aside, and its writer goes on in the same file', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'blindsight-log-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'agent.log');
  writeFileSync(file, 'x'.repeat(1000));
  const log = openSync(file, 'a');
  const writer = spawn('cat', { stdio: ['pipe', log, 'inherit'] });
  closeSync(log);
  await rotate(file, 1000);
  expect(statSync(file).size).toBe(1000);
  writer.stdin!.write('before\n');
  await vi.waitFor(() => expect(statSync(file).size).toBe(1007), WAIT);
  await rotate(file, 1000);
  writer.stdin!.end('after\n');
  await once(writer, 'exit');
  expect(readFileSync(file, 'utf8')).toBe('after\n');
  expect(readFileSync(`${file}.1`, 'utf8')).toMatch(/^x{1000}before\n$/);
});
