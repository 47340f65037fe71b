import { readFileSync } from 'node:fs';
import { BlindsightError } from '#protocol/errors.ts';

const POLL_MS = 100;
const READY_MS = 60_000;

/** The message of the last line of a daemon's log. */
function lastMessage(logFile: string): string {
  try {
    const line = readFileSync(logFile, 'utf8').trimEnd().split('\n').at(-1) ?? '';
    if (!line.startsWith('{')) return line.trim();
    return String((JSON.parse(line) as { msg?: unknown }).msg ?? '');
  } catch {
    return '';
  }
}

/**
 * Waits until a daemon is ready, or until `signal` aborts.
 *
 * @param what "the broker"
 * @param logFile its log, named where it takes too long
 * @param patienceMs a minute, unless somebody knows better
 * @throws BlindsightError DEMO_NOT_READY after that
 */
export async function untilReady(
  what: string,
  isReady: () => Promise<boolean>,
  logFile: string,
  signal: AbortSignal,
  patienceMs = READY_MS,
): Promise<void> {
  const deadline = Date.now() + patienceMs;
  while (!signal.aborted && !(await isReady())) {
    if (Date.now() > deadline) {
      throw new BlindsightError(
        'DEMO_NOT_READY',
        `${what} is not ready after ${patienceMs / 1000} s; last line of ${logFile}: ${lastMessage(logFile)}`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
