import { EXIT } from '#runtime/exit.ts';
import { Progress } from './progress.ts';
import { stopSignal } from './stop-signal.ts';

/** What a command works with. */
export type CommandRun = {
  /** Aborts on Ctrl-C. Reading it installs the handler, so a command that cannot handle a signal yet reads it later. */
  readonly signal: AbortSignal;
  readonly progress: Progress;
};

/**
 * Runs a command that ends by itself, and clears its progress line at the end. After Ctrl-C the exit code is 130: silently if `work`
 * returns by itself (it has reported what it has so far), otherwise with the sentence `stopped`.
 *
 * @param stopped what is printed if `work` threw because it was stopped: what is lost, and what is not.
 * @throws whatever `work` throws unless it was stopped.
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
 * Runs what goes on until it is stopped, which is then a success: a daemon, the demo. What it throws is reported like every error, even
 * while it is stopping.
 *
 * @param work if it returns a number, that is the exit code; otherwise 0.
 * @param hangUp whether SIGHUP stops it; false if it means something else
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
