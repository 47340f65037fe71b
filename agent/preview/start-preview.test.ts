import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { AgentConfig } from '#config/schema.ts';
import { createLogger } from '#runtime/log.ts';
import { startPreview } from './start-preview.ts';

let folder: string;
const lines: string[] = [];
const destination = { write: (line: string) => void lines.push(line) };
const log = createLogger({ name: 'test', level: 'info', format: 'json', destination });
beforeEach(async () => {
  lines.length = 0;
  folder = await mkdtemp(join(tmpdir(), 'blindsight-preview-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function startWith(token: string) {
  const tokenFile = join(folder, 'preview.token');
  await writeFile(tokenFile, `${token}\n`, { mode: 0o600 });
  const keys = { ca: 'ca', certificate: 'cert', key: 'key' };
  const config = AgentConfig.parse({
    ...{ site: 'north', gateway: 'gate', data: folder, broker: { url: 'mqtts://localhost:1', ...keys } },
    identity: { signingKey: 'key', ownerKey: 'key' },
    preview: { port: 0, tokenFile },
  });
  return startPreview(config, log);
}

it.each([
  ['x', 'has 1 characters, at least 32 are needed'],
  ['', 'has 0 characters, at least 32 are needed'],
  ['0123456789abcdef0123456789abcde', 'has 31 characters, at least 32 are needed'],
  ['x'.repeat(64), 'is made of 1 different characters: it is not random'],
])('shows nobody a picture for a token like %j', async (token, why) => {
  expect(await startWith(token)).toBeNull();
  expect(JSON.parse(lines[0]!)).toMatchObject({
    code: 'PREVIEW_TOKEN_WEAK',
    msg: expect.stringContaining(why),
  });
});

it('starts with a token of 128 random bits', async () => {
  const preview = await startWith('0123456789abcdef0123456789abcdef');
  expect(preview?.port).toBeGreaterThan(0);
  await preview?.close();
});
