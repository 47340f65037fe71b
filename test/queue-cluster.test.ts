import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqlite } from '#backend/store/sqlite.ts';
import { describeQueue } from './testing/queue-contract.ts';
import { makeStreamBench } from './testing/stream-bench.ts';

describeQueue('JetStream on three servers', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'blindsight-queue-'));
  const bench = await makeStreamBench(async () => openSqlite(join(folder, 'blindsight.db')), 3);
  return {
    ...bench,
    async close() {
      await bench.close();
      rmSync(folder, { recursive: true });
    },
  };
});
