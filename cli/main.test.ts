import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, it } from 'vitest';

it('ends as always where nobody reads what it prints', async () => {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts'), 'explain', 'counter'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  child.stdout.destroy();
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const [code] = await once(child, 'close');
  expect(code, said).toBe(0);
  expect(said).not.toContain('EPIPE');
});
