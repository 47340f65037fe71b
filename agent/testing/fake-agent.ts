import { createPublicKey } from 'node:crypto';
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CHUNK_BYTES, encodeChunk } from '#protocol/chunk.ts';
import type { ChunkRequest } from '#protocol/messages.ts';
import { SOFTWARE_PART } from '#protocol/software.ts';
import { systemClock } from '#runtime/clock.ts';
import { createLogger } from '#runtime/log.ts';
import { readLaunchPlace } from '../software/launch-place.ts';
import { Software } from '../software/software.ts';

/**
 * What is in a slot in tests of updates: the real code of updates with a gateway around it that is as its mode says, and a site in the folder of its
 * configuration: `release` and `archive` are what the site would send, `starts` and `reported` what it would hear.
 */
const [mode = '', version = '', , , config = ''] = process.argv.slice(2);
const folder = dirname(config);
const path = (name: string) => join(folder, name);
const note = (name: string, line: object) => appendFileSync(path(name), `${JSON.stringify(line)}\n`);

const place = readLaunchPlace();
note('starts', { mode, version, slot: place?.slot ?? null, pid: process.pid });
if (mode === 'exits') process.exit(1);
if (mode === 'hangs') for (;;);

const log = createLogger({ name: 'agent', level: 'info', format: 'json' });
const ownerKey = createPublicKey(readFileSync(path('owner.pem')));
const software = await Software.open({
  site: 'town',
  gateway: 'gate-1',
  ownerKeys: () => [ownerKey],
  place,
  version,
  clock: systemClock,
  log,
  limitMs: Number(process.env.FAKE_LIMIT_MS),
  graceMs: Number(process.env.FAKE_GRACE_MS),
  reserveBytes: 0,
  retryMs: [200],
  ...(process.env.FAKE_MEMORY !== undefined && { freeMemory: () => Number(process.env.FAKE_MEMORY) }),
  restart: () => process.exit(0),
});

function serve({ bundle, from, count }: ChunkRequest): void {
  const archive = readFileSync(path('archive'));
  for (let number = from; number < from + count && number * CHUNK_BYTES < archive.length; number++) {
    const data = Uint8Array.from(archive.subarray(number * CHUNK_BYTES, (number + 1) * CHUNK_BYTES));
    setImmediate(() => software.receiveChunk(encodeChunk({ bundle, part: SOFTWARE_PART, number, data })));
  }
}

software.connect({
  request: serve,
  condition: () => ({
    streaming: mode === 'dark' ? [] : ['front'],
    wanted: ['front', 'back'],
    answers: mode === 'mute' ? 0 : 1,
  }),
  proveLink: async () => mode !== 'unlinked',
  onReport: () => note('reported', { by: version, ...software.report }),
  onEvent: (level, code, message) => note('events', { level, code, message }),
});
process.once('SIGTERM', () => process.exit(0));
note('reported', { by: version, ...software.report });
software.linkUp();
const look = () => {
  if (existsSync(path('release'))) software.receive(Uint8Array.from(readFileSync(path('release'))));
};
look();
setInterval(look, 20);
await software.run(new AbortController().signal);
