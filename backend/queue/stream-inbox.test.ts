import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openSqlite } from '../store/sqlite.ts';
import { StreamInbox, type StreamWork } from './stream-inbox.ts';
import { type Head, StreamIndex } from './stream-index.ts';

it('gives out again, in order, what could not be fetched', async () => {
  const index = new StreamIndex();
  const about = { camera: 'door', receivedMs: 1, isLate: false };
  for (let id = 1; id <= 5; id++) index.add({ id, gateway: 'gate', digest: String(id), ...about });
  let fails = 3;
  const work: Partial<StreamWork> = {
    index,
    serve: () => {},
    table: { take: async () => [] },
    open: async ({ isLate: _, ...head }: Head) => {
      if (head.id === fails) throw new Error('the server is away');
      return { ...head, attempts: 0, envelope: Uint8Array.of(head.id) };
    },
  };
  const folder = await mkdtemp(join(tmpdir(), 'blindsight-turns-'));
  const database = await openSqlite(join(folder, 'store.sqlite'));
  const inbox = new StreamInbox(work as StreamWork, database, () => {});
  const seen = new Map();
  const take = async () => (await inbox.take('', seen, { items: 10, ofOne: 10 })).map(({ id }) => id);
  expect(await take()).toEqual([1, 2]);
  await expect(take()).rejects.toThrow('away');
  await expect(take()).rejects.toThrow('away');
  fails = 0;
  expect(await take()).toEqual([3, 4, 5]);
  expect(await take()).toEqual([]);
  await database.close();
  await rm(folder, { recursive: true });
});
