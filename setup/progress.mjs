// Progress goes to stderr, so that stdout holds results only.

/** Without a terminal, the least time between two lines of progress. */
export const PACE_MS = 10_000;

const TERMINAL = { announceAfterMs: 1_000, remindEveryMs: 15_000, closeAfterMs: 0 };
const LOG = { announceAfterMs: PACE_MS, remindEveryMs: 3 * PACE_MS, closeAfterMs: PACE_MS };

/**
 * Runs a step. A step that takes long is announced, reminded of while it lasts, and closed with its time: on a terminal after a
 * second; without one, where nobody waits for the line, no two lines of it or of the next step stand closer than ten seconds.
 *
 * @template T
 * @param {string} title what is done, for example "Installing npm packages"
 * @param {() => Promise<T>} work
 * @param {{ isTTY?: boolean, write(text: string): unknown }} [stream]
 * @returns {Promise<T>}
 */
export async function step(title, work, stream = process.stderr) {
  const { announceAfterMs, remindEveryMs, closeAfterMs } = stream.isTTY ? TERMINAL : LOG;
  const start = Date.now();
  const seconds = () => ((Date.now() - start) / 1000).toFixed(1);
  /** @type {number | null} */
  let saidAt = null;
  /** @type {NodeJS.Timeout} */
  let timer;
  const say = () => {
    stream.write(saidAt === null ? `… ${title}\n` : `… ${title}: ${seconds()} s so far\n`);
    saidAt = Date.now();
    timer = setTimeout(say, remindEveryMs);
  };
  timer = setTimeout(say, announceAfterMs);
  try {
    const result = await work();
    if (saidAt !== null && Date.now() - saidAt >= closeAfterMs) stream.write(`✓ ${title}: ${seconds()} s\n`);
    return result;
  } finally {
    clearTimeout(timer);
  }
}
