import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { mountSmallDisk, NO_MOUNT } from '#runtime/testing/small-disk.ts';
import { openStore } from './open.ts';
import type { StoreTrouble } from './store-trouble.ts';

it('SQLite names a full disk, keeps what it had, and goes on when there is space', async ({ skip }) => {
  const disk = mountSmallDisk(4);
  if (disk === null) return skip(NO_MOUNT);
  onTestFinished(() => disk.unmount());
  const heard: StoreTrouble[] = [];
  const file = join(disk.folder, 'blindsight.db');
  const store = await openStore({ kind: 'sqlite', file }, (trouble) => heard.push(trouble));
  onTestFinished(() => store.close());
  await store.settings.set('before', 'kept');
  disk.fill();
  // An error after which SQLite rolls back by itself, inside a transaction and outside.
  const large = 'x'.repeat(2 ** 20);
  const full = { code: 'DISK_FULL', message: expect.stringContaining(file) };
  await expect(store.settings.set('large', large)).rejects.toMatchObject(full);
  const several = store.transaction(async (inside) => {
    await inside.settings.set('small', 'y');
    await inside.settings.set('large', large);
  });
  await expect(several).rejects.toMatchObject(full);
  expect(heard).toHaveLength(2);
  expect(await store.settings.get('before')).toBe('kept');
  expect(await store.settings.get('small')).toBeNull();
  disk.empty();
  await store.settings.set('large', large);
  expect((await store.settings.get('large'))?.length).toBe(large.length);
});
