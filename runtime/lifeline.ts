import { Socket } from 'node:net';

const VARIABLE = 'BLINDSIGHT_LIFELINE';

/**
 * Calls `onParentGone` when the process that started this one ends, however it ends: the kernel then closes the other end of the
 * pipe that $BLINDSIGHT_LIFELINE names by file descriptor. Without the variable nothing happens, so that a daemon under systemd or a
 * shell is not concerned.
 */
export function watchLifeline(onParentGone: () => void): void {
  const text = process.env[VARIABLE];
  if (text === undefined) return;
  // Children get lifelines of their own.
  delete process.env[VARIABLE];
  const fd = Number(text);
  if (!Number.isInteger(fd) || fd < 3) return;
  let line: Socket;
  try {
    line = new Socket({ fd, readable: true, writable: false });
  } catch {
    return; // a stale variable that names no open pipe
  }
  line.on('error', () => line.destroy());
  line.on('close', onParentGone);
  line.resume();
  line.unref();
}

/** What {@link watchLifeline} of a child needs in its environment, given a pipe at file descriptor 3. */
export const LIFELINE_ENVIRONMENT: Readonly<Record<string, string>> = { [VARIABLE]: '3' };
