/** Whether a disk is full or read-only, as another fault at the same time may have made it: nothing more can be done to it then. */
export function isUnwritable(error: unknown): boolean {
  return ['ENOSPC', 'EROFS'].includes(String((error as NodeJS.ErrnoException).code));
}
