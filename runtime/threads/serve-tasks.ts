import { parentPort, type TransferListItem } from 'node:worker_threads';
import type { FromThread, ToThread } from './messages.ts';

/** The result of a task, and its buffers that are transferred instead of copied. */
export type Answer<Result = unknown> = {
  readonly result: Result;
  readonly transfer?: readonly TransferListItem[];
};

/** Runs in a thread: answers the tasks of its `TaskThread` strictly one at a time. */
export function serveTasks(
  handle: (task: unknown, onProgress: (progress: unknown) => void) => Promise<Answer>,
): void {
  const port = parentPort;
  if (port === null) throw new Error('serveTasks works in a worker thread only');
  const send = (message: FromThread, transfer: readonly TransferListItem[] = []) =>
    port.postMessage(message, [...transfer]);
  let tail: Promise<void> = Promise.resolve();
  port.on('message', ({ id, task }: ToThread) => {
    tail = tail.then(async () => {
      try {
        const answer = await handle(task, (progress) => send({ id, kind: 'progress', progress }));
        send({ id, kind: 'result', result: answer.result }, answer.transfer);
      } catch (error) {
        const code = error instanceof Error && 'code' in error ? String(error.code) : 'UNKNOWN';
        send({ id, kind: 'error', code, message: error instanceof Error ? error.message : String(error) });
      }
    });
  });
}
