/** Ends this thread with an error, as for one after which nothing in it can be trusted: its tasks fail, and the next one starts another thread. Never resolves. */
export function endThread(error: unknown): Promise<never> {
  setImmediate(() => {
    throw error;
  });
  return new Promise(() => {});
}
