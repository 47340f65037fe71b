import { statfs } from 'node:fs/promises';

/** A share for small disks; an amount for large ones, where the share would leave too much unused. */
const RESERVED_SHARE = 0.05;
const RESERVED_BYTES = 2 * 2 ** 30;

/** Size and free space of a disk, in blocks of `bsize` bytes; `bavail` are free for programs. */
export type DiskSpace = { readonly blocks: number; readonly bavail: number; readonly bsize: number };

/**
 * Whether the disk below a folder has less free space than the store needs to go on: less than 5 % and less than 2 GiB. A store on a
 * full disk cannot even settle what is waiting.
 *
 * @param read as statfs of Node
 */
export async function isDiskLow(
  folder: string,
  read: (folder: string) => Promise<DiskSpace> = statfs,
): Promise<boolean> {
  const { blocks, bavail, bsize } = await read(folder);
  return bavail < blocks * RESERVED_SHARE && bavail * bsize < RESERVED_BYTES;
}
