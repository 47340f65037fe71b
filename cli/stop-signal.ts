import { watchLifeline } from '#runtime/lifeline.ts';

/** A second Ctrl-C counts only after this time: npm forwards the one that the terminal has already sent. */
const SAME_KEYSTROKE_MS = 1_500;

/**
 * A signal that aborts when this process is asked to end (SIGINT, SIGTERM, SIGHUP) or its parent is gone. Asked a second time, the
 * process ends at once.
 *
 * @param hangUp whether SIGHUP ends it; false where it means something else
 */
export function stopSignal({ hangUp = true }: { readonly hangUp?: boolean } = {}): AbortSignal {
  const controller = new AbortController();
  let askedAt = 0;
  const ask = (reason: string) => {
    if (controller.signal.aborted) {
      if (Date.now() - askedAt > SAME_KEYSTROKE_MS) process.exit(130);
      return;
    }
    askedAt = Date.now();
    controller.abort(reason);
  };
  const names = ['SIGINT', 'SIGTERM', ...(hangUp ? ['SIGHUP'] : [])];
  for (const name of names) process.on(name, () => ask(name));
  watchLifeline(() => ask('parent gone'));
  return controller.signal;
}
