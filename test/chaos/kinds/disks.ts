import { execFile } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { SmallDisk } from '#runtime/testing/small-disk.ts';
import { isUnwritable } from '../is-unwritable.ts';
import type { Kind } from '../kind.ts';

const run = promisify(execFile);

/** On a disk that is nearly full. */
const SOME_BYTES = 200_000;

/** How many faults fill a disk now: the last one leaves room. */
const fills = new WeakMap<SmallDisk, number>();
const TRY_MS = 200;
const FULL = /ENOSPC|EDQUOT|disk is full/;
const READ_ONLY = /EROFS|read-?only/i;

/** Read-only at the same time it cannot be emptied yet. */
async function emptied(disk: SmallDisk): Promise<void> {
  for (;;) {
    try {
      return disk.empty();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return; // It was never filled.
      if (!isUnwritable(error)) throw error;
      await delay(TRY_MS);
    }
  }
}

const fillFor =
  (bytes: (amount: number) => number): Kind['strike'] =>
  async ({ disks }, { target, ms, amount }, signal) => {
    // Backend and broker share one, as where they were installed on one machine.
    const disk = disks.get(target) ?? disks.get('site')!;
    fills.set(disk, (fills.get(disk) ?? 0) + 1);
    try {
      disk.fill(bytes(amount));
    } catch (error) {
      if (!isUnwritable(error)) throw error;
    }
    await delay(ms, undefined, { signal }).catch(() => {});
    fills.set(disk, fills.get(disk)! - 1);
    if (fills.get(disk) === 0) await emptied(disk);
  };

/** What happens to disks: each is a file system of its own, and really full. */
export const DISK_KINDS: readonly Kind[] = [
  {
    name: 'disk-full',
    what: 'the disk of a gateway, or that of broker and backend, is full for some seconds',
    targets: ['site', 'gateway'],
    lasts: [500, 6_000],
    needs: 'disks',
    mayEnd: FULL,
    strike: fillFor(() => 0),
  },
  {
    name: 'disk-nearly-full',
    what: 'a disk has room for up to 200 KB more for some seconds',
    targets: ['site', 'gateway'],
    lasts: [500, 6_000],
    needs: 'disks',
    mayEnd: FULL,
    strike: fillFor((amount) => SOME_BYTES * amount),
  },
  {
    name: 'disk-full-and-killed',
    what: 'a process is killed while its disk is full, and starts on a full disk',
    targets: ['broker', 'backend', 'gateway'],
    broker: 'ours',
    lasts: [1_000, 6_000],
    needs: 'disks',
    mayEnd: FULL,
    strike: async (world, moment, signal) => {
      const filled = fillFor(() => 0)(world, moment, signal);
      await delay(moment.ms * 0.3);
      world.processes.get(moment.target)!.signal('SIGKILL');
      await filled;
    },
  },
  {
    name: 'disk-read-only',
    what: 'a disk is read-only for some seconds, and its processes are killed before, so that they start on it',
    targets: ['backend', 'gateway'],
    lasts: [1_000, 6_000],
    needs: 'disks',
    mayEnd: READ_ONLY,
    strike: async ({ disks, processes, onSiteDisk }, { target, ms }, signal) => {
      const folder = (disks.get(target) ?? disks.get('site')!).folder;
      const users = onSiteDisk.includes(target) ? onSiteDisk : [target];
      for (const user of users) await processes.get(user)!.hold();
      // It may be busy all the same, with somebody who looks at it from outside.
      await run('mount', ['-o', 'remount,ro', folder]).catch(() => {});
      for (const user of users) processes.get(user)!.letGo();
      await delay(ms, undefined, { signal }).catch(() => {});
      await run('mount', ['-o', 'remount,rw', folder]);
    },
  },
];
