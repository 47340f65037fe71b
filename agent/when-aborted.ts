/** Acts as soon as the signal aborts; resolves with that. */
export async function whenAborted(signal: AbortSignal, act: () => Promise<unknown>): Promise<void> {
  if (!signal.aborted)
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  await act();
}
