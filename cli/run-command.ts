import { EXIT } from '#runtime/exit.ts';
import { Progress } from './progress.ts';
import { stopSignal } from './stop-signal.ts';

/** What a command works with. */
export type CommandRun = {
  /** Aborts at Ctrl-C. Asking for it sets the handler, so a command that can hear no signal yet asks later. */
  readonly signal: AbortSignal;
  readonly progress: Progress;
};

/**
 * Runs what a command that ends by itself does, and takes its line of progress away at the end. Stopped by Ctrl-C, it ends with exit code 130: silently where
 * `work` ends by itself, because that tells what it has so far, and else with the sentence `stopped`.
 *
 * @param stopped what a person reads where `work` threw because it was stopped: what is lost, and what is not.
 * @throws whatever `work` throws while nobody stopped it.
 */
export async function runCommand(
  work: (run: CommandRun) => Promise<void>,
  stopped = 'stopped',
): Promise<void> {
  const progress = new Progress();
  let asked: AbortSignal | null = null;
  try {
    await work({
      progress,
      get signal() {
        asked ??= stopSignal();
        return asked;
      },
    });
  } catch (error) {
    if (!isAborted(asked)) throw error;
    progress.end();
    process.stderr.write(`${stopped}\n`);
  } finally {
    progress.end();
  }
  if (isAborted(asked)) process.exitCode = EXIT.interrupted;
}

/**
 * Runs what goes on until it is told to end, which is a good end then: a daemon, the demo. What it throws is told like every error, also
 * while it ends.
 *
 * @param work a number that it ends with is the exit code; without one it is 0.
 * @param hangUp whether SIGHUP ends it; false where it means something else
 */
export async function runUntilStopped(
  work: (signal: AbortSignal) => Promise<unknown>,
  { hangUp = true }: { readonly hangUp?: boolean } = {},
): Promise<void> {
  const code = await work(stopSignal({ hangUp }));
  process.exitCode = typeof code === 'number' ? code : EXIT.done;
}

/** A function, since the compiler does not see the getter assign. */
function isAborted(signal: AbortSignal | null): boolean {
  return signal?.aborted === true;
}
